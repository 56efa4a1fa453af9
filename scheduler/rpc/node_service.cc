#include "scheduler/rpc/node_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/rpc/grpc_status.h"
#include "scheduler/rpc/caller_name.h"
#include "scheduler/rpc/node_reactor.h"
#include "scheduler/rpc/unary_answer.h"

namespace muster {
namespace {

constexpr size_t kMaxReason = 256;

absl::Status CheckOrder(const NodeOrder& order) {
  if (order.node.empty()) return absl::InvalidArgumentError("node is empty");
  const bool one_line = order.reason.find_first_of("\r\n") == std::string::npos;
  if (order.reason.size() <= kMaxReason && one_line) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("reason: must be one line of at most ", kMaxReason, " bytes"));
}

// Gives `order` to the scheduler, and the node as it is then to the caller.
template <typename Response>
grpc::ServerUnaryReactor* Order(EventLoop* loop, SchedulerSeat* seat, const std::string& who,
                                const NodeOrder& order, grpc::CallbackServerContext* context,
                                Response* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  loop->Post([seat, who, order, reactor, response] {
    Scheduler* const scheduler = seat->scheduler();
    if (scheduler == nullptr) return reactor->Finish(ToGrpcStatus(seat->absence()));
    const absl::Status checked = CheckOrder(order);
    if (!checked.ok()) return reactor->Finish(ToGrpcStatus(checked));
    scheduler->OrderNode(order, who,
                         [answer = UnaryAnswer::Make(seat->answers(), reactor),
                          response](const absl::StatusOr<v1::Node>& node) {
                           if (answer->given()) return;
                           if (node.ok()) *response->mutable_node() = *node;
                           answer->Give(node.status());
                         });
  });
  return reactor;
}

}  // namespace

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

grpc::ServerUnaryReactor* NodeServiceRpc::CordonNode(grpc::CallbackServerContext* context,
                                                     const v1::CordonNodeRequest* request,
                                                     v1::CordonNodeResponse* response) {
  NodeOrder order;
  order.kind = NodeOrder::Kind::kCordon;
  order.node = request->node();
  order.reason = request->reason();
  return Order(loop_, seat_, CallerName(*context, local_user_), order, context, response);
}

grpc::ServerUnaryReactor* NodeServiceRpc::UncordonNode(grpc::CallbackServerContext* context,
                                                       const v1::UncordonNodeRequest* request,
                                                       v1::UncordonNodeResponse* response) {
  NodeOrder order;
  order.kind = NodeOrder::Kind::kUncordon;
  order.node = request->node();
  return Order(loop_, seat_, CallerName(*context, local_user_), order, context, response);
}

grpc::ServerUnaryReactor* NodeServiceRpc::DrainNode(grpc::CallbackServerContext* context,
                                                    const v1::DrainNodeRequest* request,
                                                    v1::DrainNodeResponse* response) {
  NodeOrder order;
  order.kind = NodeOrder::Kind::kDrain;
  order.node = request->node();
  order.reason = request->reason();
  order.now = request->now();
  order.confirm_dead = request->confirm_dead();
  return Order(loop_, seat_, CallerName(*context, local_user_), order, context, response);
}

}  // namespace muster
