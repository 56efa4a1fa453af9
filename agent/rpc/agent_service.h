#ifndef MUSTER_AGENT_RPC_AGENT_SERVICE_H_
#define MUSTER_AGENT_RPC_AGENT_SERVICE_H_

#include "agent/task/gangs.h"
#include "common/base/event_loop.h"
#include "muster/v1/agent_service.grpc.pb.h"

namespace muster {

// AgentService over Gangs: each method posts to the loop and answers from there. gRPC calls it on
// threads of its own. Must outlive the server.
class AgentServiceRpc final : public v1::AgentService::CallbackService {
 public:
  AgentServiceRpc(EventLoop* loop, Gangs* gangs)
      : loop_(loop), gangs_(gangs) {}  // Must outlive it.

  grpc::ServerUnaryReactor* ReserveGang(grpc::CallbackServerContext* context,
                                        const v1::ReserveGangRequest* request,
                                        v1::ReserveGangResponse* response) override;
  grpc::ServerUnaryReactor* StartGang(grpc::CallbackServerContext* context,
                                      const v1::StartGangRequest* request,
                                      v1::StartGangResponse* response) override;
  grpc::ServerUnaryReactor* StopGang(grpc::CallbackServerContext* context,
                                     const v1::StopGangRequest* request,
                                     v1::StopGangResponse* response) override;
  grpc::ServerUnaryReactor* ReleaseGang(grpc::CallbackServerContext* context,
                                        const v1::ReleaseGangRequest* request,
                                        v1::ReleaseGangResponse* response) override;
  grpc::ServerUnaryReactor* RestartRank(grpc::CallbackServerContext* context,
                                        const v1::RestartRankRequest* request,
                                        v1::RestartRankResponse* response) override;

 private:
  EventLoop* const loop_;
  Gangs* const gangs_;
};

}  // namespace muster

#endif  // MUSTER_AGENT_RPC_AGENT_SERVICE_H_
