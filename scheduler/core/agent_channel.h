#ifndef MUSTER_SCHEDULER_CORE_AGENT_CHANNEL_H_
#define MUSTER_SCHEDULER_CORE_AGENT_CHANNEL_H_

#include <functional>

#include "absl/status/statusor.h"
#include "muster/v1/agent_service.pb.h"

namespace muster {

// Sends commands to one agent. Implemented over gRPC by scheduler/rpc, and by fakes in tests. Every
// `done` comes on the scheduler's loop, exactly once, with a deadline of the implementation's.
class AgentChannel {
 public:
  virtual ~AgentChannel() = default;
  template <typename Response>
  using Done = std::function<void(const absl::StatusOr<Response>&)>;
  virtual void Reserve(const v1::ReserveGangRequest& request,
                       Done<v1::ReserveGangResponse> done) = 0;
  virtual void Start(const v1::StartGangRequest& request, Done<v1::StartGangResponse> done) = 0;
  virtual void Stop(const v1::StopGangRequest& request, Done<v1::StopGangResponse> done) = 0;
  virtual void Release(const v1::ReleaseGangRequest& request,
                       Done<v1::ReleaseGangResponse> done) = 0;
  virtual void RestartRank(const v1::RestartRankRequest& request,
                           Done<v1::RestartRankResponse> done) = 0;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_AGENT_CHANNEL_H_
