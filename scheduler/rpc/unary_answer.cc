#include "scheduler/rpc/unary_answer.h"

#include <utility>

#include "common/rpc/grpc_status.h"

namespace muster {

std::shared_ptr<UnaryAnswer> UnaryAnswer::Make(OpenCalls* calls,
                                               grpc::ServerUnaryReactor* reactor) {
  std::shared_ptr<UnaryAnswer> answer(new UnaryAnswer(calls, reactor));
  answer->self_ = answer;
  if (!calls->Add(answer.get())) answer->Give(calls->status());
  return answer;
}

void UnaryAnswer::Give(const absl::Status& status) {
  if (given()) return;
  const std::shared_ptr<UnaryAnswer> self = std::move(self_);
  calls_->Remove(this);
  std::exchange(reactor_, nullptr)->Finish(ToGrpcStatus(status));
}

}  // namespace muster
