#include "scheduler/rpc/node_service.h"

#include <utility>

#include "common/rpc/grpc_status.h"
#include "scheduler/rpc/node_reactor.h"

namespace muster {

grpc::ServerBidiReactor<v1::ConnectNodeRequest, v1::ConnectNodeResponse>*
NodeServiceRpc::ConnectNode(grpc::CallbackServerContext* context) {
  return new NodeReactor(loop_, seat_);
}

grpc::ServerUnaryReactor* NodeServiceRpc::ListNodes(grpc::CallbackServerContext* context,
                                                    const v1::ListNodesRequest* request,
                                                    v1::ListNodesResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  loop_->Post([this, response, reactor] {
    const Scheduler* const scheduler = seat_->scheduler();
    if (scheduler == nullptr) return reactor->Finish(ToGrpcStatus(seat_->absence()));
    for (v1::Node& node : scheduler->Nodes()) *response->add_nodes() = std::move(node);
    reactor->Finish(grpc::Status::OK);
  });
  return reactor;
}

}  // namespace muster
