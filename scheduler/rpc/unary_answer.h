#ifndef MUSTER_SCHEDULER_RPC_UNARY_ANSWER_H_
#define MUSTER_SCHEDULER_RPC_UNARY_ANSWER_H_

#include <memory>

#include "absl/status/status.h"
#include "common/rpc/open_calls.h"
#include "grpcpp/support/server_callback.h"

namespace muster {

// The answer to a unary call that waits for the scheduler. Given once: with what it says, or, when
// it leaves first, with the reason. Shared by who waits for it; lives on the loop.
class UnaryAnswer final : public OpenCall {
 public:
  // `calls` must outlive it, and let it in.
  static std::shared_ptr<UnaryAnswer> Make(OpenCalls* calls, grpc::ServerUnaryReactor* reactor);

  // Whether the caller has its answer: then the response may not be touched any more.
  bool given() const { return reactor_ == nullptr; }
  // Does nothing when it was given.
  void Give(const absl::Status& status);
  void End(const absl::Status& status) override { Give(status); }

 private:
  UnaryAnswer(OpenCalls* calls, grpc::ServerUnaryReactor* reactor)
      : calls_(calls), reactor_(reactor) {}

  OpenCalls* const calls_;
  grpc::ServerUnaryReactor* reactor_;
  std::shared_ptr<UnaryAnswer> self_;  // Until it is given.
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_RPC_UNARY_ANSWER_H_
