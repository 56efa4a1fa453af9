#ifndef MUSTER_CTL_FRONTEND_ENGINE_PROCESS_SET_H_
#define MUSTER_CTL_FRONTEND_ENGINE_PROCESS_SET_H_

#include <sys/types.h>

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/event_loop.h"
#include "ctl/frontend/engine/process_spec.h"

namespace muster {

// How one process ended.
struct ProcessEnd {
  int code = 0;    // Exit status; 128 + signal where a signal ended it.
  int signal = 0;  // 0: it exited by itself.
  absl::Time time;
  bool stopped_by_us = false;  // After Stop(): fallout, never the cause.
};

// The processes of one host of a job that runs without daemon: the engine of every drop-in front
// end. Each stdout is its log file itself, so that the original's files, buffering and survival
// come for free; nothing is copied, and a launcher that dies costs no byte.
//
// While it lives, the launcher adopts orphans (PR_SET_CHILD_SUBREAPER), so that a stop reaches
// grandchildren that made sessions of their own; a guard process stops what is left if the launcher
// itself is killed. Children that this process had before (`exec > >(tee log); exec torchrun …`)
// are left alone. On the loop's thread; made before there are other threads.
class ProcessSet {
 public:
  using OnEnd = std::function<void(int index, const ProcessEnd& end)>;

  // `survive`: what runs outlives the launcher (msrun without --join): no guard, no adoption, and
  // the destructor leaves it alone.
  static absl::StatusOr<std::unique_ptr<ProcessSet>> Create(EventLoop* loop, bool survive);
  // Kills what still runs, descendants included, unless it is to survive.
  virtual ~ProcessSet() = default;

  // Starts one more; returns its index, counted from 0. `stdin_fd` < 0: the launcher's own. The
  // error names the process, what is missing (program, log directory, …) and what to do; nothing is
  // left of it then.
  virtual absl::StatusOr<int> Start(const ProcessSpec& spec, int stdin_fd = -1) = 0;
  // Called once for each started process that ends, from the loop; never from within Start().
  virtual void set_on_end(OnEnd on_end) = 0;

  virtual int size() const = 0;
  virtual int running() const = 0;
  virtual pid_t pid(int index) const = 0;

  // Sends `signal` to the group of each running process (to the process alone where it has no group
  // of its own).
  virtual void Signal(int signal) = 0;
  // TERM to the groups, and KILL to every descendant after `grace`, or once all started processes
  // have ended; zero: KILL at once. `done` comes from the loop once no descendant is left. A second
  // call shortens the grace.
  virtual void Stop(absl::Duration grace, std::function<void()> done) = 0;
  // KILL for these processes and all that is left of ended ones among them: their sessions and what
  // descends from their members.
  virtual void Sweep(const std::vector<int>& indexes) = 0;
  void Sweep(int index) { Sweep(std::vector<int>{index}); }
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_ENGINE_PROCESS_SET_H_
