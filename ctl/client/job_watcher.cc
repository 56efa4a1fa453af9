#include "ctl/client/job_watcher.h"

#include <utility>

namespace muster {
namespace {

constexpr absl::Duration kWorthAWord = absl::Seconds(1);

}  // namespace

bool IsFinal(v1::JobState state) {
  return state == v1::JOB_STATE_SUCCEEDED || state == v1::JOB_STATE_FAILED ||
         state == v1::JOB_STATE_CANCELLED;
}

JobWatcher::JobWatcher(JobSource* source, EventLoop* loop, std::string job_id,
                       absl::Duration give_up_after, Callbacks callbacks)
    : source_(source),
      loop_(loop),
      job_id_(std::move(job_id)),
      callbacks_(std::move(callbacks)),
      reconnect_(loop->clock(), give_up_after) {
  Open();
}

JobWatcher::~JobWatcher() {
  if (timer_ != 0) loop_->Cancel(timer_);
}

void JobWatcher::Open() {
  timer_ = 0;
  v1::WatchJobRequest request;
  request.set_job_id(job_id_);
  stream_ = source_->Watch(
      request, [this](const v1::WatchJobResponse& response) { Received(response.job()); },
      [this](const absl::Status& status) { Ended(status); });
}

void JobWatcher::Received(const v1::Job& job) {
  reconnect_.Heard();
  if (std::exchange(told_lost_, false)) callbacks_.on_back();
  if (final_) return;
  final_ = IsFinal(job.status().state());
  if (!final_) stream_->Next();
  callbacks_.on_job(job);
}

void JobWatcher::Ended(const absl::Status& status) {
  stream_ = nullptr;
  if (final_) return;
  // A stream that ended well before the job did was cut by a server on its way down.
  const absl::Status error =
      status.ok() ? absl::UnavailableError("the agent ended the watch") : status;
  const std::optional<absl::Duration> wait =
      IsLostContact(error) ? reconnect_.Next() : std::nullopt;
  if (!wait.has_value()) {
    final_ = true;
    return callbacks_.on_failed(error);
  }
  if (!told_lost_ && reconnect_.Absence() >= kWorthAWord) {
    told_lost_ = true;
    callbacks_.on_lost(error);
  }
  timer_ = loop_->After(*wait, [this] { Open(); });
}

}  // namespace muster
