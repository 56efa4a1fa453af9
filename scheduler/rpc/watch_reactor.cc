#include "scheduler/rpc/watch_reactor.h"

#include <utility>

#include "common/rpc/grpc_status.h"

namespace muster {

WatchReactor::WatchReactor(EventLoop* loop, Scheduler* scheduler, OpenCalls* calls,
                           const std::string& job_id)
    : loop_(loop), calls_(calls), watch_(scheduler) {
  loop_->Post([this, job_id] { Open(job_id); });
}

void WatchReactor::OnWriteDone(bool ok) {
  loop_->Post([this, ok] {
    writing_ = false;
    if (!ok) return Close(absl::CancelledError("the watcher is gone"));
    if (IsFinal(response_.job().status().state())) return Close(absl::OkStatus());
    Pump();
  });
}

void WatchReactor::OnCancel() {
  loop_->Post([this] { Close(absl::CancelledError("the watcher is gone")); });
}

void WatchReactor::OnDone() {
  loop_->Post([this] { delete this; });  // Last; posts keep order.
}

void WatchReactor::Open(const std::string& job_id) {
  if (closed_) return;
  if (!calls_->Add(this)) return Close(calls_->status());
  const absl::Status watching = watch_.Start(job_id, [this](const v1::Job& job) {
    newest_ = job;
    Pump();
  });
  if (!watching.ok()) Close(watching);
}

void WatchReactor::Pump() {
  if (writing_ || closed_ || !newest_.has_value()) return;  // At most one write in flight.
  response_.mutable_job()->Swap(&*newest_);
  newest_.reset();
  writing_ = true;
  StartWrite(&response_);
}

void WatchReactor::Close(const absl::Status& status) {
  if (std::exchange(closed_, true)) return;
  calls_->Remove(this);
  watch_.Stop();
  Finish(ToGrpcStatus(status));
}

}  // namespace muster
