#ifndef MUSTER_SCHEDULER_RPC_NODE_SERVICE_H_
#define MUSTER_SCHEDULER_RPC_NODE_SERVICE_H_

#include <cstdint>
#include <string>
#include <utility>

#include "common/base/event_loop.h"
#include "muster/v1/node_service.grpc.pb.h"
#include "scheduler/rpc/scheduler_seat.h"

namespace muster {

// NodeService over whoever sits at the scheduler's seat: one NodeReactor per agent's stream. Must
// outlive the server.
class NodeServiceRpc final : public v1::NodeService::CallbackService {
 public:
  // `local_user` is who orders over a Unix socket. Pointers must outlive this object.
  NodeServiceRpc(EventLoop* loop, SchedulerSeat* seat, std::string local_user = "")
      : loop_(loop), seat_(seat), local_user_(std::move(local_user)) {}

  grpc::ServerBidiReactor<v1::ConnectNodeRequest, v1::ConnectNodeResponse>* ConnectNode(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* ListNodes(grpc::CallbackServerContext* context,
                                      const v1::ListNodesRequest* request,
                                      v1::ListNodesResponse* response) override;
  grpc::ServerUnaryReactor* CordonNode(grpc::CallbackServerContext* context,
                                       const v1::CordonNodeRequest* request,
                                       v1::CordonNodeResponse* response) override;
  grpc::ServerUnaryReactor* UncordonNode(grpc::CallbackServerContext* context,
                                         const v1::UncordonNodeRequest* request,
                                         v1::UncordonNodeResponse* response) override;
  grpc::ServerUnaryReactor* DrainNode(grpc::CallbackServerContext* context,
                                      const v1::DrainNodeRequest* request,
                                      v1::DrainNodeResponse* response) override;

 private:
  EventLoop* const loop_;
  SchedulerSeat* const seat_;
  const std::string local_user_;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_RPC_NODE_SERVICE_H_
