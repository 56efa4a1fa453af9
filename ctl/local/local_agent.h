#ifndef MUSTER_CTL_LOCAL_LOCAL_AGENT_H_
#define MUSTER_CTL_LOCAL_LOCAL_AGENT_H_

#include <memory>
#include <string>

#include "agent/task/gangs.h"
#include "common/base/event_loop.h"
#include "scheduler/core/scheduler.h"

namespace muster {

// Carries the scheduler's commands to gangs of the same process. Every command and every answer is
// a task of the loop of its own, as over the wire: neither side is entered from within itself.
class LocalAgentChannel : public AgentChannel {
 public:
  LocalAgentChannel(EventLoop* loop, Gangs* gangs)
      : loop_(loop), gangs_(gangs) {}  // Must outlive it.

  void Reserve(const v1::ReserveGangRequest& request, Done<v1::ReserveGangResponse> done) override;
  void Start(const v1::StartGangRequest& request, Done<v1::StartGangResponse> done) override;
  void Stop(const v1::StopGangRequest& request, Done<v1::StopGangResponse> done) override;
  void Release(const v1::ReleaseGangRequest& request, Done<v1::ReleaseGangResponse> done) override;
  void RestartRank(const v1::RestartRankRequest& request,
                   Done<v1::RestartRankResponse> done) override;

 private:
  template <typename Response>
  void Answer(const absl::Status& status, const Done<Response>& done);

  EventLoop* const loop_;
  Gangs* const gangs_;
};

// The other way: this process's gangs as a node of the scheduler. Lives on the loop.
class LocalNode {
 public:
  // Pointers must outlive this object.
  LocalNode(EventLoop* loop, Gangs* gangs, Scheduler* scheduler);
  ~LocalNode();

  // Says hello; the node is ready when it returns OK.
  absl::Status Join(const v1::NodeInfo& info);

 private:
  void Report(const v1::GangReport& report);
  void Beat();

  EventLoop* const loop_;
  Gangs* const gangs_;
  Scheduler* const scheduler_;
  absl::Duration heartbeat_interval_;
  EventLoop::TimerId timer_ = 0;
};

}  // namespace muster

#endif  // MUSTER_CTL_LOCAL_LOCAL_AGENT_H_
