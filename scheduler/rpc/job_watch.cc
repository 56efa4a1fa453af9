#include "scheduler/rpc/job_watch.h"

#include <utility>

#include "common/base/status.h"

namespace muster {

bool IsFinal(v1::JobState state) {
  return state == v1::JOB_STATE_SUCCEEDED || state == v1::JOB_STATE_FAILED ||
         state == v1::JOB_STATE_CANCELLED;
}

absl::Status JobWatch::Start(const std::string& job_id,
                             std::function<void(const v1::Job&)> on_change) {
  MUSTER_ASSIGN_OR_RETURN(
      watch_,
      scheduler_->Watch(job_id, [this, on_change = std::move(on_change)](const v1::Job& job) {
        if (!stopped_) on_change(job);
      }));
  watching_ = true;
  if (stopped_) {  // From within Watch(), which had not named the watch yet.
    watching_ = false;
    scheduler_->Unwatch(watch_);
  }
  return absl::OkStatus();
}

void JobWatch::Stop() {
  stopped_ = true;
  if (std::exchange(watching_, false)) scheduler_->Unwatch(watch_);
}

}  // namespace muster
