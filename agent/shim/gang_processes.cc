#include "agent/shim/gang_processes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <map>

#include "agent/shim/kernel.h"

namespace muster {
namespace {

constexpr int kPassesBeforeFreezing = 20;  // Only a fork bomb outlives so many.

bool WriteText(const std::string& path, const char* text, size_t size) {
  UniqueFd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file.valid() && write(file.get(), text, size) == static_cast<ssize_t>(size);
}

// The parent of `pid`, or 0. The name in /proc/PID/stat may hold anything but ends at the last ')'.
pid_t ParentOf(pid_t pid) {
  std::string stat;
  if (!ReadWhole("/proc/" + std::to_string(pid) + "/stat", &stat)) return 0;
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos || name_end + 4 >= stat.size()) return 0;
  return static_cast<pid_t>(strtol(stat.c_str() + name_end + 4, nullptr, 10));
}

std::vector<pid_t> AllPids() {
  std::vector<pid_t> pids;
  DIR* dir = opendir("/proc");
  if (dir == nullptr) return pids;
  while (const dirent* entry = readdir(dir)) {
    const long pid = strtol(entry->d_name, nullptr, 10);
    if (pid > 0) pids.push_back(static_cast<pid_t>(pid));
  }
  closedir(dir);
  return pids;
}

}  // namespace

GangProcesses::GangProcesses(const ShimPlan* plan, Kin kin) : plan_(plan), kin_(kin) {
  if (!plan->ranks_cgroup.empty()) {
    const std::string path = plan->ranks_cgroup + "/cgroup.events";
    events_.reset(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    oom_file_ = plan->ranks_cgroup + "/memory.events";
  }
  for (const std::string& dir : plan->v1_cgroups) {
    if (access((dir + "/memory.oom_control").c_str(), R_OK) == 0) {
      oom_file_ = dir + "/memory.oom_control";
    }
    if (access((dir + "/freezer.state").c_str(), W_OK) == 0) freezer_ = dir + "/freezer.state";
  }
}

bool GangProcesses::Empty() const {
  if (!plan_->ranks_cgroup.empty()) {
    std::string events;
    if (ReadWhole(plan_->ranks_cgroup + "/cgroup.events", &events)) {
      return NumberAfter(events, "populated") == 0;
    }
    return errno == ENOENT || errno == ENODEV;  // The cgroup is gone: so are its members.
  }
  if (!plan_->v1_cgroups.empty()) return CgroupMembers(plan_->v1_cgroups[0]).empty();
  if (kin_ != Kin::kMarked) {
    siginfo_t info = {};
    const bool no_child =
        waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
    if (!no_child) return false;
  }
  return kin_ == Kin::kDescendants || Relatives().empty();
}

std::vector<pid_t> GangProcesses::Members() const {
  if (!plan_->ranks_cgroup.empty()) return CgroupMembers(plan_->ranks_cgroup);
  if (!plan_->v1_cgroups.empty()) return CgroupMembers(plan_->v1_cgroups[0]);
  return Relatives();
}

void GangProcesses::SignalAll(int signal) const {
  for (const pid_t pid : Members()) kill(pid, signal);
}

void GangProcesses::KillAll() {
  if (!plan_->ranks_cgroup.empty() && WriteText(plan_->ranks_cgroup + "/cgroup.kill", "1", 1)) {
    return;
  }
  const bool freeze = !freezer_.empty() && ++kill_passes_ > kPassesBeforeFreezing;
  if (freeze) WriteText(freezer_, "FROZEN", 6);
  SignalAll(SIGKILL);
  SignalAll(SIGKILL);
  if (freeze) WriteText(freezer_, "THAWED", 6);
}

int64_t GangProcesses::OomKills() const {
  std::string text;
  return !oom_file_.empty() && ReadWhole(oom_file_, &text) ? NumberAfter(text, "oom_kill") : -1;
}

std::vector<pid_t> GangProcesses::CgroupMembers(const std::string& dir) const {
  std::vector<pid_t> pids;
  std::string text;
  if (!ReadWhole(dir + "/cgroup.procs", &text)) return pids;
  const char* at = text.c_str();
  while (*at != '\0') {
    char* end = nullptr;
    const long pid = strtol(at, &end, 10);
    if (end == at) break;
    if (pid > 0) pids.push_back(static_cast<pid_t>(pid));  // 0: of another pid namespace.
    at = *end == '\n' ? end + 1 : end;
  }
  return pids;
}

std::vector<pid_t> GangProcesses::Relatives() const {
  const pid_t self = getpid();
  std::map<pid_t, pid_t> parents;
  for (const pid_t pid : AllPids()) parents[pid] = ParentOf(pid);
  std::vector<pid_t> found;
  for (const auto& [pid, parent] : parents) {
    if (pid == self) continue;
    pid_t ancestor = kin_ == Kin::kMarked ? 0 : parent;
    // Bounded: parents were read one after another and could form a circle.
    for (size_t depth = 0; ancestor > 1 && ancestor != self && depth < parents.size(); ++depth) {
      const auto next = parents.find(ancestor);
      ancestor = next == parents.end() ? 0 : next->second;
    }
    if (ancestor == self || (kin_ != Kin::kDescendants && CarriesToken(pid))) found.push_back(pid);
  }
  return found;
}

bool GangProcesses::CarriesToken(pid_t pid) const {
  std::string environment;
  if (!ReadWhole("/proc/" + std::to_string(pid) + "/environ", &environment)) return false;
  environment.insert(0, 1, '\0');
  const auto carries = [&environment](const std::string& entry) {
    return environment.find(std::string(1, '\0') + entry + std::string(1, '\0')) !=
           std::string::npos;
  };
  return carries("MUSTER_JOB_ID=" + plan_->job_id) &&
         carries("MUSTER_ATTEMPT=" + std::to_string(plan_->attempt));
}

}  // namespace muster
