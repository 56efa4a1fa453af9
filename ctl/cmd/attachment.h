#ifndef MUSTER_CTL_CMD_ATTACHMENT_H_
#define MUSTER_CTL_CMD_ATTACHMENT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/event_loop.h"
#include "ctl/client/job_follower.h"
#include "ctl/client/job_source.h"
#include "ctl/client/log_selection.h"
#include "ctl/client/reconnect.h"
#include "ctl/cmd/log_view.h"
#include "ctl/cmd/session.h"
#include "ctl/cmd/signals.h"
#include "ctl/view/progress.h"
#include "muster/v1/job_service.pb.h"

namespace muster {

// A job in the foreground: submits it, shows its stages and output, says how it ended, and ends as
// it did. Ctrl-C detaches (a second one within two seconds cancels), or with `stop_on_interrupt`
// stops the job. Lives on the loop, which Run() runs.
class Attachment {
 public:
  struct Options {
    absl::Duration give_up_after = absl::Seconds(30);
    LogView::Options logs;
    LogSelection shown;  // Of the output.
    bool stop_on_interrupt = false;
    bool local = false;  // The job lives and dies with this process.
    // Ends a job that is being stopped without further grace; set with `local`.
    std::function<void(const std::string& job_id)> kill;
  };
  // Pointers must outlive this object.
  Attachment(const Options& options, JobSource* source, EventLoop* loop, Session* session,
             Signals* signals);
  ~Attachment();

  // Returns the exit code: the job's, or 0 after a detach. An error is this client's.
  absl::StatusOr<int> Run(const v1::SubmitJobRequest& request);

 private:
  void Submit();
  void OnSubmitted(const absl::StatusOr<v1::Job>& job);
  void Follow();
  void OnDone(const absl::Status& status);
  void OnSignal(int signal);
  void Detach();
  void StopJob(int signal);
  void CancelAndLeave();
  void Leave(absl::StatusOr<int> result);
  void Verdict();

  const Options options_;
  JobSource* const source_;
  EventLoop* const loop_;
  Session* const session_;
  v1::SubmitJobRequest request_;
  Reconnect contact_;
  Progress progress_;
  LogView view_;
  std::unique_ptr<JobFollower> follower_;
  v1::Job job_;
  int pending_signal_ = 0;  // Came before the job had a name.
  int stopped_by_ = 0;      // The signal for which the job was stopped.
  bool detached_ = false;
  bool left_ = false;
  absl::StatusOr<int> result_ = 0;
};

}  // namespace muster

#endif  // MUSTER_CTL_CMD_ATTACHMENT_H_
