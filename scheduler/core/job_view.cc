#include "scheduler/core/job_view.h"

#include <utility>

namespace muster {

std::shared_ptr<const v1::Job> BoundedView(std::shared_ptr<const v1::Job> job, size_t max_bytes) {
  if (!job->status().past_failures().empty()) {
    auto without = std::make_shared<v1::Job>(*job);
    without->mutable_status()->clear_past_failures();
    return BoundedView(std::move(without), max_bytes);
  }
  const auto& attempts = job->status().attempts();
  size_t bytes = job->ByteSizeLong();
  if (bytes <= max_bytes || attempts.size() < 2) return job;
  for (const v1::Attempt& attempt : attempts) bytes -= attempt.ByteSizeLong();
  v1::Attempt first = attempts[0];
  bytes += attempts[attempts.size() - 1].ByteSizeLong();
  if (bytes + first.ByteSizeLong() > max_bytes) {
    first.clear_placement();
    first.clear_ranks();
  }
  bytes += first.ByteSizeLong();
  int latest = attempts.size() - 1;  // Index of the oldest of the latest that are shown.
  for (; latest > 1; --latest) {
    bytes += attempts[latest - 1].ByteSizeLong();
    if (bytes > max_bytes) break;
  }
  auto view = std::make_shared<v1::Job>(*job);
  v1::JobStatus* const status = view->mutable_status();
  *status->mutable_attempts(0) = first;
  status->mutable_attempts()->DeleteSubrange(1, latest - 1);
  status->set_attempts_left_out(status->attempts_left_out() + latest - 1);
  return view;
}

}  // namespace muster
