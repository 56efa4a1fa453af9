#include "agent/rpc/output_reactor.h"

#include <optional>
#include <utility>

#include "agent/rpc/output_frame_codec.h"
#include "common/rpc/grpc_status.h"

namespace muster {

OutputReactor::OutputReactor(EventLoop* loop, Gangs* gangs, OpenCalls* calls,
                             v1::ReadLogsRequest request)
    : loop_(loop), calls_(calls) {
  loop_->Post([this, gangs, request = std::move(request)] { Open(gangs, request); });
}

void OutputReactor::OnWriteDone(bool ok) {
  loop_->Post([this, ok] {
    writing_ = false;
    frame_.Clear();
    if (!ok) return Close(absl::CancelledError("the reader is gone"));
    Pump();
  });
}

void OutputReactor::OnCancel() {
  loop_->Post([this] { Close(absl::CancelledError("the reader is gone")); });
}

void OutputReactor::OnDone() {
  loop_->Post([this] { delete this; });  // Last; posts keep order.
}

void OutputReactor::End(const absl::Status& status) { Close(absl::AbortedError(status.message())); }

void OutputReactor::Open(Gangs* gangs, const v1::ReadLogsRequest& request) {
  if (closed_) return;
  if (!calls_->Add(this)) return End(calls_->status());
  absl::StatusOr<std::unique_ptr<OutputFanIn>> opened =
      OutputFanIn::Open(gangs, request, /*on_data=*/[this] { PumpLater(); });
  if (!opened.ok()) return Close(opened.status());
  fan_in_ = *std::move(opened);
  Pump();
}

void OutputReactor::PumpLater() {
  if (std::exchange(pump_posted_, true)) return;
  loop_->Post([this] {
    pump_posted_ = false;
    Pump();
  });
}

void OutputReactor::Pump() {
  if (writing_ || closed_ || fan_in_ == nullptr) return;  // At most one write in flight.
  absl::StatusOr<std::optional<OutputFrame>> next = fan_in_->Next();
  if (!next.ok()) return Close(next.status());
  if (next->has_value()) {
    frame_ = EncodeOutputFrame(**std::move(next));
    writing_ = true;
    return StartWrite(&frame_);
  }
  if (fan_in_->Done()) Close(absl::OkStatus());
}

void OutputReactor::Close(const absl::Status& status) {
  if (std::exchange(closed_, true)) return;
  calls_->Remove(this);
  fan_in_ = nullptr;
  Finish(ToGrpcStatus(status));
}

}  // namespace muster
