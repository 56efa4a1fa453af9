#ifndef MUSTER_SCHEDULER_RPC_WATCH_REACTOR_H_
#define MUSTER_SCHEDULER_RPC_WATCH_REACTOR_H_

#include <optional>
#include <string>

#include "common/base/event_loop.h"
#include "common/rpc/open_calls.h"
#include "grpcpp/support/server_callback.h"
#include "muster/v1/job_service.pb.h"
#include "scheduler/rpc/job_watch.h"
#include "scheduler/rpc/scheduler_seat.h"

namespace muster {

// Serves one WatchJob call: one write in flight, and at most one change that waits, the newest.
// gRPC calls the On…() reactions on its own threads; each only posts to `loop`, where all state
// lives. Deletes itself when gRPC is done with it. Pointers must outlive it.
class WatchReactor final : public grpc::ServerWriteReactor<v1::WatchJobResponse>, public OpenCall {
 public:
  WatchReactor(EventLoop* loop, SchedulerSeat* seat, const std::string& job_id);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  void End(const absl::Status& status) override { Close(status); }

 private:
  ~WatchReactor() override = default;
  void Open(const std::string& job_id);
  void Pump();
  void Close(const absl::Status& status);

  EventLoop* const loop_;
  SchedulerSeat* const seat_;
  std::optional<JobWatch> watch_;  // Once it is open.
  std::optional<v1::Job> newest_;  // Not yet sent.
  v1::WatchJobResponse response_;  // Belongs to gRPC while `writing_`.
  bool writing_ = false;
  bool closed_ = false;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_RPC_WATCH_REACTOR_H_
