#ifndef MUSTER_AGENT_LINK_FENCE_H_
#define MUSTER_AGENT_LINK_FENCE_H_

#include "absl/time/time.h"
#include "agent/task/gangs.h"
#include "common/base/event_loop.h"
#include "muster/v1/node_service.pb.h"

namespace muster {

// Keeps the node's lease with the scheduler: when T has passed, on CLOCK_BOOTTIME, since before the
// last answered hello or heartbeat was sent, the gangs of this host are stopped. The scheduler
// counts longer, and from a later moment, before it starts them elsewhere; so no clock but this
// host's own, and no message, has to be right for them never to run twice. Lives on the loop, as
// long as the agent, over all of its streams.
class Fence {
 public:
  // Takes up the lease that an earlier life of the agent had. Pointers must outlive this object.
  Fence(EventLoop* loop, Gangs* gangs);
  ~Fence();
  Fence(const Fence&) = delete;
  Fence& operator=(const Fence&) = delete;

  // The scheduler has answered a hello that was sent at `sent`, on Clock::Boot(). A welcome without
  // a lease ends the present one if it is of a later epoch: whoever gave it has no say any more,
  // and who has speaks the protocol before leases, or was told to give none.
  void OnWelcome(const v1::NodeWelcome& welcome, absl::Duration sent);
  // It has answered the heartbeat that was sent at `sent`.
  void OnAnswer(absl::Duration sent);

  // How long the scheduler may be silent before another connection to it is worth a try; infinite
  // without a lease.
  absl::Duration Patience() const;

 private:
  void Release(int64_t epoch);
  void Renew(absl::Duration sent);
  void Arm();
  void OnDue();

  EventLoop* const loop_;
  Gangs* const gangs_;
  int64_t epoch_ = 0;
  absl::Duration lease_;  // Zero: none was given in this life of the agent.
  absl::Duration grace_;
  EventLoop::TimerId timer_ = 0;
};

}  // namespace muster

#endif  // MUSTER_AGENT_LINK_FENCE_H_
