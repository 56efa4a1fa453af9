#ifndef MUSTER_SCHEDULER_RPC_NODE_SERVICE_H_
#define MUSTER_SCHEDULER_RPC_NODE_SERVICE_H_

#include <cstdint>

#include "common/base/event_loop.h"
#include "common/rpc/open_calls.h"
#include "muster/v1/node_service.grpc.pb.h"
#include "scheduler/core/scheduler.h"

namespace muster {

// NodeService over Scheduler: one NodeReactor per agent's stream. Must outlive the server.
class NodeServiceRpc final : public v1::NodeService::CallbackService {
 public:
  // Pointers must outlive this object.
  NodeServiceRpc(EventLoop* loop, Scheduler* scheduler, OpenCalls* calls)
      : loop_(loop), scheduler_(scheduler), calls_(calls) {}

  grpc::ServerBidiReactor<v1::ConnectNodeRequest, v1::ConnectNodeResponse>* ConnectNode(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* ListNodes(grpc::CallbackServerContext* context,
                                      const v1::ListNodesRequest* request,
                                      v1::ListNodesResponse* response) override;

 private:
  EventLoop* const loop_;
  Scheduler* const scheduler_;
  OpenCalls* const calls_;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_RPC_NODE_SERVICE_H_
