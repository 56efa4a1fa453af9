#ifndef MUSTER_CTL_FRONTEND_TORCHRUN_WORKER_GROUP_H_
#define MUSTER_CTL_FRONTEND_TORCHRUN_WORKER_GROUP_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/event_loop.h"
#include "ctl/frontend/engine/log_follower.h"
#include "ctl/frontend/engine/process_set.h"
#include "ctl/frontend/engine/stdin_relay.h"
#include "ctl/frontend/torchrun/messages.h"
#include "ctl/frontend/torchrun/run_dir.h"
#include "ctl/frontend/torchrun/tee_printer.h"
#include "ctl/frontend/torchrun/worker_plan.h"

namespace muster {

// The workers of this node: starts them for a place in the world, watches them, stops them; one
// round after the other. On the loop's thread.
class WorkerGroup {
 public:
  struct Parts {  // All must outlive the group.
    const WorkerPlan* plan = nullptr;
    const RunDir* run_dir = nullptr;
    ProcessSet* processes = nullptr;
    LogFollower* follower = nullptr;  // nullptr where nothing is teed.
    TeePrinter* tee_out = nullptr;
    TeePrinter* tee_err = nullptr;
    StdinRelay* stdin_relay = nullptr;  // nullptr: the launcher's stdin as it is.
    std::string host;
  };
  struct Callbacks {
    // Once a round, for the first worker that fails; the others still run.
    std::function<void(const WorkerFailure& failure)> on_failed;
    // Every worker of the round has exited 0.
    std::function<void()> on_succeeded;
  };

  // `loop` must outlive this object.
  WorkerGroup(const Parts& parts, EventLoop* loop, Callbacks callbacks);
  ~WorkerGroup();

  // Not while workers run. After an error some may run; Stop() ends them.
  absl::Status Start(const WorldPlace& place);
  // Sends `signal` to the workers, and after `grace` SIGKILL to all that is left of them. Nothing
  // is reported any more; `done` comes from the loop once no process is left. May be called again,
  // with less grace.
  void Stop(int signal, absl::Duration grace, std::function<void()> done);
  int running() const { return parts_.processes->running(); }

  // All of the last round that failed by themselves, in the order of their ends.
  const std::vector<WorkerFailure>& failures() const { return failures_; }

 private:
  absl::Status StartWorker(int local_rank, const std::string& attempt_dir);
  absl::Status Tee(const ProcessSpec& spec, int local_rank, int64_t out_size, int64_t err_size);
  void OnEnd(int index, const ProcessEnd& end);
  void StopNow(absl::Duration grace);
  WorkerFailure Describe(int local_rank, int index, const ProcessEnd& end) const;

  const Parts parts_;
  EventLoop* const loop_;
  const Callbacks callbacks_;
  WorldPlace place_;
  std::string attempt_dir_;
  std::map<int, int> local_ranks_;  // Of the round's processes, by their index in the set.
  std::vector<WorkerFailure> failures_;
  int succeeded_ = 0;
  bool stopping_ = false;
  std::vector<std::function<void()>> on_stopped_;
  EventLoop::TimerId grace_timer_ = 0;  // While the workers may end of a signal that is not TERM.
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_TORCHRUN_WORKER_GROUP_H_
