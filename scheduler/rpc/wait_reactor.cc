#include "scheduler/rpc/wait_reactor.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/rpc/grpc_status.h"

namespace muster {

WaitReactor::WaitReactor(EventLoop* loop, SchedulerSeat* seat, const v1::WaitJobRequest& request,
                         v1::WaitJobResponse* response)
    : loop_(loop), seat_(seat), response_(response) {
  loop_->Post([this, request] { Open(request); });
}

void WaitReactor::OnCancel() {
  loop_->Post([this] { Close(absl::CancelledError("the waiter is gone")); });
}

void WaitReactor::OnDone() {
  loop_->Post([this] { delete this; });  // Last; posts keep order.
}

void WaitReactor::Open(const v1::WaitJobRequest& request) {
  if (closed_) return;
  Scheduler* const scheduler = seat_->scheduler();
  if (scheduler == nullptr || !seat_->calls()->Add(this)) return Close(seat_->absence());
  const absl::Status watching =
      watch_.emplace(scheduler).Start(request.job_id(), [this](const v1::Job& job) {
        if (!IsFinal(job.status().state())) return;
        *response_->mutable_job() = job;
        Close(absl::OkStatus());
      });
  if (!watching.ok()) return Close(watching);
  if (closed_ || !request.has_timeout()) return;
  const absl::Duration timeout =
      absl::Seconds(request.timeout().seconds()) + absl::Nanoseconds(request.timeout().nanos());
  timeout_ = loop_->After(timeout, [this, timeout, job_id = request.job_id()] {
    Close(absl::DeadlineExceededError(
        absl::StrCat("job ", job_id, " is not final after ", absl::FormatDuration(timeout))));
  });
}

void WaitReactor::Close(const absl::Status& status) {
  if (std::exchange(closed_, true)) return;
  seat_->calls()->Remove(this);
  loop_->Cancel(timeout_);
  if (watch_.has_value()) watch_->Stop();
  Finish(ToGrpcStatus(status));
}

}  // namespace muster
