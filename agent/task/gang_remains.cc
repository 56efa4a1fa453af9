#include "agent/task/gang_remains.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/shim/kernel.h"
#include "common/base/fs.h"
#include "common/base/unique_fd.h"
#include "glog/logging.h"

namespace muster {
namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(2);
constexpr absl::Duration kLastPause = absl::Milliseconds(200);
// What has outlived so many SIGKILLs, among them those to frozen processes, hangs in the kernel.
// Nobody knows for how long, and without a cgroup each look is a walk through /proc.
constexpr int kPromptKills = 30;
constexpr absl::Duration kStuckPause = absl::Seconds(5);

ShimPlan NameGang(const std::string& job_id, int attempt, const GangCgroup& cgroup) {
  ShimPlan plan;
  plan.job_id = job_id;
  plan.attempt = attempt;
  plan.ranks_cgroup = cgroup.ranks;
  plan.v1_cgroups = cgroup.v1;
  return plan;
}

// A process that took over the number of an ended rank began after the record of that rank's start.
bool StillRuns(const RunningRank& rank) {
  const absl::StatusOr<std::string> stat = ReadFile(absl::StrCat("/proc/", rank.pid, "/stat"));
  if (!stat.ok()) return false;
  // proc(5): after "PID (NAME) " come the state, field 3, and the start in clock ticks, field 22.
  const size_t name_end = stat->rfind(") ");
  if (name_end == std::string::npos) return false;
  const std::vector<std::string> fields = absl::StrSplit(stat->substr(name_end + 2), ' ');
  int64_t ticks = 0;
  if (fields.size() < 20 || fields[0] == "Z" || !absl::SimpleAtoi(fields[19], &ticks)) return false;
  return ticks * (1'000'000'000 / sysconf(_SC_CLK_TCK)) <= rank.boottime_ns;
}

}  // namespace

bool HasRemains(const std::string& job_id, int attempt, const GangCgroup& cgroup) {
  const ShimPlan plan = NameGang(job_id, attempt, cgroup);
  return !GangProcesses(&plan, GangProcesses::Kin::kMarked).Empty();
}

GangRemains::GangRemains(const std::string& job_id, int attempt, const GangCgroup& cgroup,
                         std::vector<RunningRank> running, EventLoop* loop,
                         std::function<void()> on_gone)
    : plan_(NameGang(job_id, attempt, cgroup)),
      running_(std::move(running)),
      loop_(loop),
      on_gone_(std::move(on_gone)),
      processes_(&plan_, GangProcesses::Kin::kMarked) {}

GangRemains::~GangRemains() { loop_->Cancel(look_); }

void GangRemains::Stop(absl::Duration grace) {
  kill_at_ = std::min(kill_at_, loop_->clock()->Boot() + grace);
  if (!std::exchange(stopping_, true) && !Empty()) {
    LOG(WARNING) << "job=" << plan_.job_id << " attempt=" << plan_.attempt
                 << " no msshim does it: the agent ends what is left of the gang";
    SignalAll(SIGTERM);
  }
  loop_->Cancel(look_);
  look_ = loop_->After(absl::ZeroDuration(), [this] { Look(); });
}

void GangRemains::Look() {
  look_ = 0;
  if (Empty()) {
    const std::function<void()> on_gone = on_gone_;  // It may delete this object.
    return on_gone();
  }
  const absl::Duration left = kill_at_ - loop_->clock()->Boot();
  if (left <= absl::ZeroDuration()) {
    processes_.KillAll();
    SignalAll(SIGKILL);
    ++kills_;
  }
  pause_ = std::clamp(2 * pause_, kFirstPause, kills_ < kPromptKills ? kLastPause : kStuckPause);
  const absl::Duration next = left > absl::ZeroDuration() ? std::min(left, pause_) : pause_;
  look_ = loop_->After(next, [this] { Look(); });
}

bool GangRemains::Empty() const {
  if (!processes_.Empty()) return false;
  // Who has its cgroup has all of them.
  return !plan_.ranks_cgroup.empty() || std::none_of(running_.begin(), running_.end(), StillRuns);
}

void GangRemains::SignalAll(int signal) const {
  processes_.SignalAll(signal);
  if (!plan_.ranks_cgroup.empty()) return;
  for (const RunningRank& rank : running_) {
    // Held before it is looked at: the number cannot change hands in between.
    const UniqueFd pidfd(PidfdOpen(rank.pid));
    if (pidfd.valid() && StillRuns(rank)) PidfdSignal(pidfd.get(), signal);
  }
}

}  // namespace muster
