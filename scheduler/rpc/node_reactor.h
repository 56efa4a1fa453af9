#ifndef MUSTER_SCHEDULER_RPC_NODE_REACTOR_H_
#define MUSTER_SCHEDULER_RPC_NODE_REACTOR_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "common/base/event_loop.h"
#include "common/rpc/open_calls.h"
#include "grpcpp/support/server_callback.h"
#include "muster/v1/node_service.pb.h"
#include "scheduler/rpc/scheduler_seat.h"

namespace muster {

// Serves one agent's ConnectNode stream. One write is in flight; of what waits only the newest
// counts: one welcome, one heartbeat answer, one ack per gang. When the seat falls in doubt the
// stream goes on without a scheduler: reports are not taken then, the agent keeps them. gRPC calls
// the On…() reactions on its own threads; each only posts to `loop`, where all state lives. Deletes
// itself when gRPC is done with it.
class NodeReactor final
    : public grpc::ServerBidiReactor<v1::ConnectNodeRequest, v1::ConnectNodeResponse>,
      public OpenCall {
 public:
  NodeReactor(EventLoop* loop, SchedulerSeat* seat);  // Must outlive it.

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  void End(const absl::Status& status) override { Close(status); }

 private:
  using GangKey = std::pair<std::string, int>;  // Job and attempt.

  ~NodeReactor() override = default;
  void Take(const v1::ConnectNodeRequest& request);
  void TakeHello(const v1::NodeHello& hello);
  void WelcomeInDoubt(const v1::NodeHello& hello);
  void Welcome(const v1::NodeHello& hello, v1::NodeWelcome welcome);
  void TakeHeartbeat(const v1::NodeHeartbeat& heartbeat);
  void TakeReport(const v1::GangReport& report);
  // Whoever sat there at the hello; null once that is gone.
  Scheduler* scheduler() const { return seat_->sitting() == scheduler_ ? scheduler_ : nullptr; }
  void Pump();
  void Close(const absl::Status& status);

  EventLoop* const loop_;
  SchedulerSeat* const seat_;
  Scheduler* scheduler_ = nullptr;  // May be gone: see scheduler().
  // Acks may come after this stream's end: they look whether it is still there.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::string node_id_;
  uint64_t session_ = 0;              // 0 before the hello was accepted.
  v1::ConnectNodeRequest request_;    // Belongs to gRPC while a read is in flight.
  v1::ConnectNodeResponse response_;  // Belongs to gRPC while `writing_`.
  bool writing_ = false;
  bool closed_ = false;
  // What waits to be written.
  std::unique_ptr<v1::NodeWelcome> welcome_;
  int64_t heartbeat_ = 0;
  std::map<GangKey, int64_t> acks_;  // Sequence of the newest.
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_RPC_NODE_REACTOR_H_
