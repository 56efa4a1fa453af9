#include "scheduler/rpc/watch_reactor.h"

#include <utility>

#include "common/rpc/grpc_status.h"

namespace muster {

WatchReactor::WatchReactor(EventLoop* loop, SchedulerSeat* seat, const std::string& job_id)
    : loop_(loop), seat_(seat) {
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
  Scheduler* const scheduler = seat_->scheduler();
  if (scheduler == nullptr || !seat_->calls()->Add(this)) return Close(seat_->absence());
  const absl::Status watching = watch_.emplace(scheduler).Start(job_id, [this](const v1::Job& job) {
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
  seat_->calls()->Remove(this);
  if (watch_.has_value()) watch_->Stop();
  Finish(ToGrpcStatus(status));
}

}  // namespace muster
