#ifndef MUSTER_CTL_FRONTEND_MSRUN_MSRUN_JOB_H_
#define MUSTER_CTL_FRONTEND_MSRUN_MSRUN_JOB_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/event_loop.h"
#include "ctl/cmd/signals.h"
#include "ctl/frontend/engine/log_follower.h"
#include "ctl/frontend/engine/process_set.h"
#include "ctl/frontend/engine/stdin_relay.h"
#include "ctl/frontend/msrun/console.h"
#include "ctl/frontend/msrun/flags.h"
#include "ctl/frontend/msrun/log_excerpt.h"
#include "ctl/frontend/msrun/plan.h"

namespace muster {

// The processes of one call of msrun, from the first start to the last line. Single-threaded; used
// once. What is passed in must outlive it.
class MsrunJob {
 public:
  struct Options {
    // How long the scheduler process may outlive the job's last worker. When the workers of other
    // hosts may still run, a success has no limit.
    absl::Duration scheduler_wait = absl::Seconds(30);
    absl::Duration scheduler_wait_after_failure = absl::Seconds(5);
    absl::Duration stop_grace = absl::Seconds(3);  // From SIGTERM to SIGKILL, not after Ctrl-C.
  };

  MsrunJob(const Options& options, const MsrunFlags& flags, const MsrunPlan& plan, EventLoop* loop,
           Signals* signals, MsrunConsole* console);
  MsrunJob(const MsrunJob&) = delete;
  MsrunJob& operator=(const MsrunJob&) = delete;

  // Starts everything and, with --join, waits for it. Returns msrun's exit status.
  int Run();

 private:
  absl::Status StartAll();
  absl::Status ShareTerminal();
  // `nth` of those who share the terminal.
  absl::Status Start(const MsrunProcess& process, size_t nth, int* index);
  absl::Status StartWorker(size_t nth);
  void OnSignal(int signal);
  void OnEnd(int index, const ProcessEnd& end);
  void OnWorkerEnd(int index, const ProcessEnd& end);
  void OnSchedulerEnd(const ProcessEnd& end);
  // The first failure: `index` of the process set.
  void Fail(int index, const ProcessEnd& end);
  void AwaitScheduler(absl::Duration wait);
  void OnSchedulerLate();
  // Ends the wait once every process has ended.
  void Proceed();
  void StopAll(absl::Duration grace);
  int Conclude();
  void Report();
  void ReportIncomplete(const Registered& registered);
  // What was not on the console as it came; returns the culprit's.
  std::string ReportExcerpts();
  const MsrunProcess& ProcessOf(int index) const;

  const Options options_;
  const MsrunFlags& flags_;
  const MsrunPlan& plan_;
  EventLoop* const loop_;
  Signals* const signals_;
  MsrunConsole* const console_;

  std::unique_ptr<ProcessSet> set_;
  std::unique_ptr<LogFollower> follower_;  // With --join.
  std::unique_ptr<StdinRelay> relay_;      // With --join at a terminal.
  std::vector<int> stdins_;                // What it gave: of each worker, then the scheduler.
  int scheduler_ = -1;                     // Index in the set; -1: none here.
  std::vector<int> workers_;               // Their indexes.
  int workers_left_ = 0;
  std::optional<ProcessEnd> scheduler_end_;
  bool scheduler_late_ = false;
  int signal_ = 0;      // That msrun ends with.
  int culprit_ = -1;    // The process that failed first.
  ProcessEnd failure_;  // How it did.
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_MSRUN_MSRUN_JOB_H_
