#ifndef MUSTER_AGENT_TASK_GANG_REMAINS_H_
#define MUSTER_AGENT_TASK_GANG_REMAINS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "agent/process/gang_record.h"
#include "agent/shim/gang_processes.h"
#include "agent/shim/shim_plan.h"
#include "agent/task/cgroup.h"
#include "common/base/event_loop.h"

namespace muster {

// Whether a process of the gang is left: in its cgroup, or without one by the job's id in its
// environment.
bool HasRemains(const std::string& job_id, int attempt, const GangCgroup& cgroup);

// Ends what is left of a gang that has no msshim and gets none (its program was removed, its
// journal cannot be written), or whose msshim hangs when it must not: SIGTERM, a grace, SIGKILL
// until no process is left, ever more seldom where that does not help. Those are the members of its
// cgroup; without one the processes that carry the job's id in their environment, and the recorded
// pids that are still the same processes.
//
// Lives on the loop, from the first stop that finds no shim to the gang's end.
class GangRemains {
 public:
  // `running`: ranks without an exit on record. `on_gone` comes once, when nothing is left, never
  // from within a method; it may delete this object. `loop` must outlive it.
  GangRemains(const std::string& job_id, int attempt, const GangCgroup& cgroup,
              std::vector<RunningRank> running, EventLoop* loop, std::function<void()> on_gone);
  ~GangRemains();
  GangRemains(const GangRemains&) = delete;
  GangRemains& operator=(const GangRemains&) = delete;

  // May be repeated: the earliest end of a grace counts.
  void Stop(absl::Duration grace);

 private:
  void Look();
  bool Empty() const;
  void SignalAll(int signal) const;

  const ShimPlan plan_;  // Names the gang, no more.
  const std::vector<RunningRank> running_;
  EventLoop* const loop_;
  const std::function<void()> on_gone_;
  GangProcesses processes_;
  bool stopping_ = false;
  absl::Duration kill_at_ = absl::InfiniteDuration();  // On Clock::Boot().
  absl::Duration pause_ = absl::ZeroDuration();
  int kills_ = 0;  // Looks that sent SIGKILL.
  EventLoop::TimerId look_ = 0;
};

}  // namespace muster

#endif  // MUSTER_AGENT_TASK_GANG_REMAINS_H_
