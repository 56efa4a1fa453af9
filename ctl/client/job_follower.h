#ifndef MUSTER_CTL_CLIENT_JOB_FOLLOWER_H_
#define MUSTER_CTL_CLIENT_JOB_FOLLOWER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/event_loop.h"
#include "ctl/client/job_source.h"
#include "ctl/client/job_watcher.h"
#include "ctl/client/log_selection.h"
#include "ctl/client/node_logs.h"

namespace muster {

// Whether `attempt`, one of the job's, has come so far that its hosts know it, and have its output.
bool HasStarted(const v1::Job& job, const v1::Attempt& attempt);

// Follows a job and its output to the end: watches the job, reads the output of each attempt from
// the hosts it ran on, and goes over to the next attempt when all of the last one was read: to the
// next that the job still has on record, where many have gone by meanwhile. Lives on the loop.
class JobFollower {
 public:
  struct Options {
    std::string job_id;
    LogSelection logs;
    absl::Duration give_up_after = absl::Seconds(30);
    int first_attempt = -1;   // -1: the one that is current at the begin.
    bool only_first = false;  // Ends with that attempt.
  };
  // Called on the loop. on_done comes last; it may destroy the follower.
  struct Callbacks {
    std::function<void(const v1::Job&)> on_job;
    std::function<void(const v1::ReadLogsResponse&)> on_log;
    // All output of an attempt has come.
    std::function<void(int attempt)> on_attempt_read;
    // One line for the user: contact lost or found again, output that cannot be had.
    std::function<void(const std::string&)> on_notice;
    // OK: the last job given to on_job is final and its output complete. NOT_FOUND: where the one
    // attempt ran that was wanted is no longer on record.
    std::function<void(const absl::Status&)> on_done;
  };

  // `source` and `loop` must outlive this object.
  JobFollower(JobSource* source, EventLoop* loop, Options options, Callbacks callbacks);

  // Why output is missing: of the first host that was given up, else of one that is tried again.
  absl::Status Unread() const;

 private:
  void OnJob(const v1::Job& job);
  // Begins to read attempts that are due, and ends when there is nothing left to do.
  void Advance();
  // Leaves out attempts that are no longer on record, and says so.
  void PassOver();
  const v1::Attempt* FindAttempt(int number) const;
  absl::Status StartReading(const v1::Attempt& attempt);
  void NodeDone(size_t node, const std::string& node_name, const absl::Status& status);
  void Finish(const absl::Status& status);

  JobSource* const source_;
  EventLoop* const loop_;
  const Options options_;
  const Callbacks callbacks_;
  std::unique_ptr<JobWatcher> watcher_;
  v1::Job job_;
  bool job_known_ = false;
  bool finished_ = false;
  int reading_ = -1;  // Number of the attempt whose output is being read; -1 before the first.
  int next_attempt_;
  std::map<size_t, std::unique_ptr<NodeLogs>> nodes_;  // Of `reading_`, by node rank.
  absl::Status given_up_;
};

}  // namespace muster

#endif  // MUSTER_CTL_CLIENT_JOB_FOLLOWER_H_
