#include "agent/task/cgroup.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/base/unique_fd.h"

namespace muster {
namespace {

constexpr char kOurs[] = "muster";
// Where the agent itself goes when its cgroup must not hold processes (the kernel's rule for a
// cgroup that hands controllers down).
constexpr char kAgentLeaf[] = "muster-agent";

std::string ReadText(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  return text.ok() ? *text : "";
}

// Control files want one write(2) and cannot be replaced.
absl::Status WriteControl(const std::string& path, absl::string_view value) {
  UniqueFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, path);
  if (write(fd.get(), value.data(), value.size()) < 0) {
    const int error = errno;
    if (error == EBUSY) return absl::UnavailableError(absl::StrCat(path, ": busy"));
    return ErrnoStatus(error, absl::StrCat("write \"", value, "\" to ", path));
  }
  return absl::OkStatus();
}

bool HasWord(absl::string_view text, absl::string_view word) {
  const std::vector<absl::string_view> words =
      absl::StrSplit(text, absl::ByAnyChar(" \n,"), absl::SkipEmpty());
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Directory of `cgroup_path` in a tree of which `mount` shows a part.
std::string DirOf(const std::pair<std::string, std::string>& mount, absl::string_view cgroup_path) {
  if (mount.second != "/") absl::ConsumePrefix(&cgroup_path, mount.second);
  absl::ConsumePrefix(&cgroup_path, "/");
  return cgroup_path.empty() ? mount.first : JoinPath(mount.first, cgroup_path);
}

// systemd marks what it has delegated.
bool Delegated(const std::string& dir) {
  for (const char* name : {"user.delegate", "trusted.delegate"}) {
    char value = 0;
    if (getxattr(dir.c_str(), name, &value, sizeof(value)) == 1 && value == '1') return true;
  }
  return false;
}

// Makes `dir` and shows that cgroups can be made in it.
absl::Status TryRoot(const std::string& dir) {
  MUSTER_RETURN_IF_ERROR(MakeDirs(dir, 0755));
  const std::string probe = absl::StrCat(dir, "/probe.", getpid());
  if (mkdir(probe.c_str(), 0755) != 0) return ErrnoStatus(errno, absl::StrCat("make ", probe));
  rmdir(probe.c_str());
  return absl::OkStatus();
}

// Hands `controller` down from `dir` to its children, and to `dir` where it must. `own` is this
// process's cgroup.
absl::Status HandDown(const std::string& controller, const std::string& dir,
                      const std::string& mount, const std::string& own) {
  if (HasWord(ReadText(dir + "/cgroup.subtree_control"), controller)) return absl::OkStatus();
  if (!HasWord(ReadText(dir + "/cgroup.controllers"), controller)) {
    if (dir == mount) return absl::NotFoundError(absl::StrCat("no v2 controller ", controller));
    MUSTER_RETURN_IF_ERROR(HandDown(controller, DirName(dir), mount, own));
  }
  const std::string control = dir + "/cgroup.subtree_control";
  const absl::Status status = WriteControl(control, "+" + controller);
  if (status.ok() || dir != own) return status;
  const std::string leaf = JoinPath(dir, kAgentLeaf);
  MUSTER_RETURN_IF_ERROR(MakeDirs(leaf, 0755));
  MUSTER_RETURN_IF_ERROR(WriteControl(leaf + "/cgroup.procs", "0"));
  return WriteControl(control, "+" + controller);
}

absl::Status MakeLeaf(const std::string& dir) {
  if (mkdir(dir.c_str(), 0755) == 0 || errno == EEXIST) return absl::OkStatus();
  return ErrnoStatus(errno, absl::StrCat("make cgroup ", dir));
}

absl::Status RemoveLeaf(const std::string& dir) {
  if (dir.empty() || rmdir(dir.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  if (errno == EBUSY) return absl::FailedPreconditionError(absl::StrCat(dir, ": not empty"));
  return ErrnoStatus(errno, absl::StrCat("remove cgroup ", dir));
}

}  // namespace

std::string OwnCgroup(const std::string& proc_self_cgroup, const std::string& name) {
  for (absl::string_view line : absl::StrSplit(proc_self_cgroup, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    if (name.empty() ? parts[1].empty() && parts[0] == "0" : HasWord(parts[1], name)) {
      return std::string(parts[2]);
    }
  }
  return "";
}

std::pair<std::string, std::string> CgroupMount(const std::string& mountinfo,
                                                const std::string& name) {
  // proc(5): ID PARENT DEVICE ROOT MOUNT_POINT OPTIONS TAGS… - TYPE SOURCE SUPER_OPTIONS
  for (absl::string_view line : absl::StrSplit(mountinfo, '\n', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> halves =
        absl::StrSplit(line, absl::MaxSplits(" - ", 1));
    const std::vector<absl::string_view> left = absl::StrSplit(halves.first, ' ');
    const std::vector<absl::string_view> right = absl::StrSplit(halves.second, ' ');
    if (left.size() < 6 || right.size() < 3) continue;
    const bool matches =
        name.empty() ? right[0] == "cgroup2" : right[0] == "cgroup" && HasWord(right[2], name);
    if (matches) return {std::string(left[4]), std::string(left[3])};
  }
  return {};
}

absl::StatusOr<CgroupRoot> CgroupRoot::Find(const std::string& configured) {
  CgroupRoot root;
  if (configured == "none") {
    root.reason_ = "switched off";
    return root;
  }
  const std::pair<std::string, std::string> mount =
      CgroupMount(ReadText("/proc/self/mountinfo"), "");
  if (!configured.empty()) {
    struct statfs info;
    const std::string parent = DirName(configured);
    if (statfs(parent.c_str(), &info) != 0 || info.f_type != CGROUP2_SUPER_MAGIC) {
      return absl::FailedPreconditionError(
          absl::StrCat("cgroup root ", configured, ": ", parent, " is not in a cgroup v2 tree"));
    }
    const absl::Status status = TryRoot(configured);
    if (!status.ok()) {
      return absl::FailedPreconditionError(
          absl::StrCat("cgroup root ", configured, ": ", status.message()));
    }
    root.dir_ = configured;
  } else if (mount.first.empty()) {
    root.reason_ = "no cgroup v2 tree is mounted";
  } else {
    const std::string own = DirOf(mount, OwnCgroup(ReadText("/proc/self/cgroup"), ""));
    std::vector<std::string> candidates;
    if (own != mount.first && Delegated(own)) candidates.push_back(own);
    candidates.push_back(mount.first);
    for (const std::string& candidate : candidates) {
      const absl::Status status = TryRoot(JoinPath(candidate, kOurs));
      if (status.ok()) {
        root.dir_ = JoinPath(candidate, kOurs);
        root.reason_.clear();
        break;
      }
      root.reason_ = std::string(status.message());
    }
  }
  root.memory_ = FindController("memory", root.dir_);
  root.processes_ = FindController("pids", root.dir_);
  return root;
}

CgroupRoot::Limit CgroupRoot::FindController(const std::string& name, const std::string& v2_dir) {
  Limit limit;
  const std::string mountinfo = ReadText("/proc/self/mountinfo");
  const std::string self = ReadText("/proc/self/cgroup");
  const std::pair<std::string, std::string> v2 = CgroupMount(mountinfo, "");
  if (!v2_dir.empty() && !v2.first.empty() &&
      HandDown(name, v2_dir, v2.first, DirOf(v2, OwnCgroup(self, ""))).ok()) {
    limit.controller = Controller::kV2;
    return limit;
  }
  const std::pair<std::string, std::string> v1 = CgroupMount(mountinfo, name);
  if (v1.first.empty()) return limit;
  const std::string dir = JoinPath(DirOf(v1, OwnCgroup(self, name)), kOurs);
  if (!TryRoot(dir).ok()) return limit;
  limit.controller = Controller::kV1;
  limit.v1_dir = dir;
  return limit;
}

GangCgroup CgroupRoot::Name(const std::string& job_id, int attempt,
                            const CgroupLimits& limits) const {
  GangCgroup group;
  const std::string name = absl::StrCat(job_id, "-", attempt);
  if (available()) {
    group.dir = JoinPath(dir_, name);
    group.shim = JoinPath(group.dir, "shim");
    group.ranks = JoinPath(group.dir, "ranks");
  }
  if (limits.memory_bytes >= 0 && memory_.controller == Controller::kV1) {
    group.v1.push_back(JoinPath(memory_.v1_dir, name));
  }
  if (limits.processes >= 0 && processes_.controller == Controller::kV1) {
    group.v1.push_back(JoinPath(processes_.v1_dir, name));
  }
  return group;
}

absl::Status CgroupRoot::Create(const GangCgroup& group, const CgroupLimits& limits) const {
  if (Populated(group)) {
    return absl::AlreadyExistsError(absl::StrCat("cgroup ", group.ranks, ": processes live in it"));
  }
  absl::Status status;
  if (!group.dir.empty()) {
    status = MakeDirs(group.dir, 0755);
    // Memory is counted even without a limit: the kernel then tells who it killed for want of it.
    for (const auto& [name, limit] :
         {std::make_pair("+memory", &memory_), std::make_pair("+pids", &processes_)}) {
      if (!status.ok() || limit->controller != Controller::kV2) continue;
      status = WriteControl(group.dir + "/cgroup.subtree_control", name);
    }
    if (status.ok()) status = MakeLeaf(group.shim);
    if (status.ok()) status = MakeLeaf(group.ranks);
  }
  for (const std::string& dir : group.v1) {
    if (status.ok()) status = MakeLeaf(dir);
  }
  if (status.ok()) status = SetLimits(group, limits);
  if (!status.ok()) Remove(group).IgnoreError();
  return status;
}

absl::Status CgroupRoot::SetLimits(const GangCgroup& group, const CgroupLimits& limits) const {
  struct Wish {
    const char* field;
    const Limit* limit;
    int64_t value;
    const char* v2_file;
    const char* v1_file;
  };
  const Wish wishes[] = {
      {"limits.memory", &memory_, limits.memory_bytes, "memory.max", "memory.limit_in_bytes"},
      {"limits.processes", &processes_, limits.processes, "pids.max", "pids.max"},
  };
  auto v1_dir = group.v1.begin();  // In the order of `wishes`, see Name().
  for (const Wish& wish : wishes) {
    if (wish.value < 0) continue;
    std::string file;
    switch (wish.limit->controller) {
      case Controller::kMissing:
        return absl::FailedPreconditionError(
            absl::StrCat(wish.field,
                         ": this host has no cgroup controller for it; run the agent "
                         "where it may use cgroups, or remove the limit"));
      case Controller::kV2:
        file = JoinPath(group.ranks, wish.v2_file);
        break;
      case Controller::kV1:
        file = JoinPath(*v1_dir++, wish.v1_file);
        break;
    }
    MUSTER_RETURN_IF_ERROR(Annotate(WriteControl(file, absl::StrCat(wish.value)), wish.field));
  }
  return absl::OkStatus();
}

absl::Status CgroupRoot::Remove(const GangCgroup& group) {
  for (const std::string& dir : group.v1) MUSTER_RETURN_IF_ERROR(RemoveLeaf(dir));
  MUSTER_RETURN_IF_ERROR(RemoveLeaf(group.ranks));
  MUSTER_RETURN_IF_ERROR(RemoveLeaf(group.shim));
  return RemoveLeaf(group.dir);
}

void CgroupRoot::Kill(const GangCgroup& group) {
  if (group.ranks.empty() || WriteControl(group.ranks + "/cgroup.kill", "1").ok()) return;
  const std::string members = ReadText(group.ranks + "/cgroup.procs");
  for (absl::string_view line : absl::StrSplit(members, '\n', absl::SkipEmpty())) {
    pid_t pid = 0;
    if (absl::SimpleAtoi(line, &pid) && pid > 0) kill(pid, SIGKILL);
  }
}

bool CgroupRoot::Populated(const GangCgroup& group) {
  if (group.ranks.empty()) return false;
  return absl::StrContains(ReadText(group.ranks + "/cgroup.events"), "populated 1");
}

}  // namespace muster
