#ifndef MUSTER_SCHEDULER_RPC_NODE_SERVICE_H_
#define MUSTER_SCHEDULER_RPC_NODE_SERVICE_H_

#include <cstdint>

#include "common/base/event_loop.h"
#include "muster/v1/node_service.grpc.pb.h"
#include "scheduler/rpc/scheduler_seat.h"

namespace muster {

// NodeService over whoever sits at the scheduler's seat: one NodeReactor per agent's stream. Must
// outlive the server.
class NodeServiceRpc final : public v1::NodeService::CallbackService {
 public:
  // Pointers must outlive this object.
  NodeServiceRpc(EventLoop* loop, SchedulerSeat* seat) : loop_(loop), seat_(seat) {}

  grpc::ServerBidiReactor<v1::ConnectNodeRequest, v1::ConnectNodeResponse>* ConnectNode(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* ListNodes(grpc::CallbackServerContext* context,
                                      const v1::ListNodesRequest* request,
                                      v1::ListNodesResponse* response) override;

 private:
  EventLoop* const loop_;
  SchedulerSeat* const seat_;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_RPC_NODE_SERVICE_H_
