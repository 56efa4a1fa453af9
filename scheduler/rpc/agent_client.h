#ifndef MUSTER_SCHEDULER_RPC_AGENT_CLIENT_H_
#define MUSTER_SCHEDULER_RPC_AGENT_CLIENT_H_

#include <memory>

#include "common/base/event_loop.h"
#include "grpcpp/channel.h"
#include "muster/v1/agent_service.grpc.pb.h"
#include "scheduler/core/scheduler.h"

namespace muster {

// AgentChannel over gRPC. A call waits for the agent to come back, up to the deadline of 10 s;
// then, and when the channel cannot be used, UNAVAILABLE or DEADLINE_EXCEEDED. `done` comes on the
// loop, also when this object is gone by then. Lives on the loop.
class AgentClient final : public AgentChannel {
 public:
  AgentClient(std::shared_ptr<grpc::Channel> channel, EventLoop* loop);  // `loop` must outlive it.

  void Reserve(const v1::ReserveGangRequest& request, Done<v1::ReserveGangResponse> done) override;
  void Start(const v1::StartGangRequest& request, Done<v1::StartGangResponse> done) override;
  void Stop(const v1::StopGangRequest& request, Done<v1::StopGangResponse> done) override;
  void Release(const v1::ReleaseGangRequest& request, Done<v1::ReleaseGangResponse> done) override;
  void RestartRank(const v1::RestartRankRequest& request,
                   Done<v1::RestartRankResponse> done) override;

 private:
  const std::unique_ptr<v1::AgentService::Stub> stub_;
  EventLoop* const loop_;
};

// An agent that cannot be reached at all, because its address is unfit: every call is refused with
// `status`.
std::unique_ptr<AgentChannel> MakeBrokenAgentChannel(const absl::Status& status, EventLoop* loop);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_RPC_AGENT_CLIENT_H_
