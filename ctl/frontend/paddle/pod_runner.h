#ifndef MUSTER_CTL_FRONTEND_PADDLE_POD_RUNNER_H_
#define MUSTER_CTL_FRONTEND_PADDLE_POD_RUNNER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/event_loop.h"
#include "ctl/frontend/engine/log_follower.h"
#include "ctl/frontend/engine/process_set.h"
#include "ctl/frontend/paddle/launch_log.h"
#include "ctl/frontend/paddle/pod.h"

namespace muster {

// How a pod ended.
struct PodEnd {
  // 0: every process that is waited for succeeded. Else the first cause's, as Python's sys.exit()
  // shows it to a shell: its exit status, or 256 - signal.
  int exit_code = 0;
  std::string what;  // One line, when it failed.
};

// Runs this host's processes of a job: their logs and the files beside them, process 0's output on
// stdout, the end and its story. One pod at a time, several after one another (elastic jobs). On
// the loop's thread.
class PodRunner {
 public:
  // All must outlive this object. `write_stdout` takes what belongs on stdout.
  PodRunner(EventLoop* loop, ProcessSet* processes, LogFollower* follower, LaunchLog* log,
            std::function<void(absl::string_view bytes)> write_stdout);

  ~PodRunner();

  // Starts all of `plan`. `on_end` comes once from the loop: at the first failure, while others may
  // still run (the caller stops them), or when the pod has completed. An error: what was started
  // is to be stopped.
  absl::Status Start(const PodPlan& plan, const PodSettings& settings,
                     std::function<void(const PodEnd& end)> on_end);
  // As ProcessSet::Stop(). What ends from now on is no failure.
  void Stop(absl::Duration grace, std::function<void()> done);

 private:
  struct Process {
    PodProcess plan;
    int64_t log_begin = 0;  // Where its log of this run begins.
  };

  absl::Status StartProcess(const PodProcess& plan);
  void FollowFirst();
  void OnEnd(int index, const ProcessEnd& end);
  void Failed(int index, const ProcessEnd& end);
  void Completed();
  void ShowLogTail(const Process& process);
  std::string Summary(absl::string_view status) const;

  EventLoop* const loop_;
  ProcessSet* const processes_;
  LogFollower* const follower_;
  LaunchLog* const log_;
  const std::function<void(absl::string_view)> write_stdout_;

  std::string pod_name_;
  std::map<int, Process> by_index_;  // Of this pod, by the index in processes_.
  std::set<std::string> followed_;
  int running_ = 0;
  int awaited_ = 0;                    // Of the running ones.
  absl::Duration began_;               // Clock::Boot().
  EventLoop::TimerId rest_timer_ = 0;  // Set: those that are left will be stopped.
  bool over_ = false;
  std::function<void(const PodEnd& end)> on_end_;
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_POD_RUNNER_H_
