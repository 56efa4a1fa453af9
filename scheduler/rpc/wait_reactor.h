#ifndef MUSTER_SCHEDULER_RPC_WAIT_REACTOR_H_
#define MUSTER_SCHEDULER_RPC_WAIT_REACTOR_H_

#include <optional>

#include "common/base/event_loop.h"
#include "common/rpc/open_calls.h"
#include "grpcpp/support/server_callback.h"
#include "muster/v1/job_service.pb.h"
#include "scheduler/rpc/job_watch.h"
#include "scheduler/rpc/scheduler_seat.h"

namespace muster {

// Serves one WaitJob call. All state lives on `loop`; gRPC's reactions only post to it. Deletes
// itself when gRPC is done with it. Pointers must outlive it, `response` until the answer.
class WaitReactor final : public grpc::ServerUnaryReactor, public OpenCall {
 public:
  WaitReactor(EventLoop* loop, SchedulerSeat* seat, const v1::WaitJobRequest& request,
              v1::WaitJobResponse* response);

  void OnCancel() override;
  void OnDone() override;
  void End(const absl::Status& status) override { Close(status); }

 private:
  ~WaitReactor() override = default;
  void Open(const v1::WaitJobRequest& request);
  void Close(const absl::Status& status);

  EventLoop* const loop_;
  SchedulerSeat* const seat_;
  std::optional<JobWatch> watch_;  // Once it is open.
  v1::WaitJobResponse* const response_;
  EventLoop::TimerId timeout_ = 0;
  bool closed_ = false;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_RPC_WAIT_REACTOR_H_
