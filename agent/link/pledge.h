#ifndef MUSTER_AGENT_LINK_PLEDGE_H_
#define MUSTER_AGENT_LINK_PLEDGE_H_

#include <cstdint>
#include <map>

#include "absl/time/time.h"
#include "common/base/clock.h"

namespace muster {

// What this agent, which may be elected to the scheduler role, has promised to those who have it:
// should it be elected, it takes no host that is silent to it for fenced before a while has passed
// from until() on. A leader whom etcd does not answer relies on that to renew leases a little
// longer. Lives on the loop, as long as the agent, over all of its streams.
class Pledge {
 public:
  explicit Pledge(const Clock* clock) : clock_(clock) {}  // Must outlive this object.

  // The scheduler of `epoch` has answered what was sent at `sent`, on Clock::Boot(), and asks for a
  // pledge of `length` from now on. Returns whether it has it.
  bool Give(int64_t epoch, absl::Duration sent, absl::Duration length);
  // This agent is elected, or no longer: meanwhile nobody gets one.
  void Withhold(bool withhold) { withheld_ = withhold; }
  bool withheld() const { return withheld_; }

  // The end of the last of all that were given, on Clock::Boot().
  absl::Duration until() const { return until_; }
  // By epoch: when the last message was sent whose answer this agent has taken a pledge from. Of
  // the latest few epochs.
  const std::map<int64_t, absl::Duration>& answered() const { return answered_; }

 private:
  const Clock* const clock_;
  bool withheld_ = false;
  absl::Duration until_;
  std::map<int64_t, absl::Duration> answered_;
};

}  // namespace muster

#endif  // MUSTER_AGENT_LINK_PLEDGE_H_
