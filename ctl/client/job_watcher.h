#ifndef MUSTER_CTL_CLIENT_JOB_WATCHER_H_
#define MUSTER_CTL_CLIENT_JOB_WATCHER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/event_loop.h"
#include "ctl/client/job_source.h"
#include "ctl/client/reconnect.h"

namespace muster {

bool IsFinal(v1::JobState state);

// Follows one job to its end, over restarts of its agent. Lives on the loop.
class JobWatcher {
 public:
  struct Callbacks {
    std::function<void(const v1::Job&)> on_job;  // The last one is final.
    // Once per loss, when it has lasted long enough to be worth a word.
    std::function<void(const absl::Status&)> on_lost;
    std::function<void()> on_back;
    std::function<void(const absl::Status&)> on_failed;  // It gave up; nothing comes after it.
  };
  // `source` and `loop` must outlive this object.
  JobWatcher(JobSource* source, EventLoop* loop, std::string job_id, absl::Duration give_up_after,
             Callbacks callbacks);
  ~JobWatcher();

 private:
  void Open();
  void Received(const v1::Job& job);
  void Ended(const absl::Status& status);

  JobSource* const source_;
  EventLoop* const loop_;
  const std::string job_id_;
  const Callbacks callbacks_;
  Reconnect reconnect_;
  std::unique_ptr<SourceStream> stream_;
  EventLoop::TimerId timer_ = 0;
  bool final_ = false;
  bool told_lost_ = false;
};

}  // namespace muster

#endif  // MUSTER_CTL_CLIENT_JOB_WATCHER_H_
