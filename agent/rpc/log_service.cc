#include "agent/rpc/log_service.h"

#include <utility>

#include "agent/rpc/output_reactor.h"
#include "grpcpp/impl/codegen/proto_utils.h"

namespace muster {
namespace {

// Ends a call that could not even be read.
class Refusal final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  explicit Refusal(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerWriteReactor<grpc::ByteBuffer>* LogServiceRpc::ReadLogs(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  grpc::ByteBuffer bytes(*request);  // Shares the slices: parsing empties the buffer it is given.
  v1::ReadLogsRequest parsed;
  const grpc::Status status =
      grpc::SerializationTraits<v1::ReadLogsRequest>::Deserialize(&bytes, &parsed);
  if (!status.ok()) {
    return new Refusal(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT,
                                    "the request is not a muster.v1.ReadLogsRequest"));
  }
  return new OutputReactor(loop_, gangs_, calls_, std::move(parsed));
}

}  // namespace muster
