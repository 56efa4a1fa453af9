#ifndef MUSTER_AGENT_SHIM_FENCE_KEEPER_H_
#define MUSTER_AGENT_SHIM_FENCE_KEEPER_H_

#include <algorithm>
#include <cstdint>

namespace muster {

// Keeps the node's lease for one gang: until when, on CLOCK_BOOTTIME, it may run without another
// word from the scheduler. In the shim, because the agent may be dead while its host is cut off.
// Once it has run out it is never renewed: the gang may be starting elsewhere. Single-threaded.
class FenceKeeper {
 public:
  // `until_ns` 0: there is no lease, and the gang may run for ever.
  FenceKeeper(int64_t epoch, int64_t until_ns, int64_t grace_ms)
      : epoch_(epoch), until_ns_(until_ns), grace_ms_(grace_ms) {}

  // A renewal. False: refused, for it is of an older epoch, or comes too late.
  bool Renew(int64_t epoch, int64_t until_ns, int64_t grace_ms, int64_t now_ns) {
    if (epoch < epoch_ || fenced_ || Expired(now_ns)) return false;
    epoch_ = epoch;
    until_ns_ = until_ns;
    grace_ms_ = grace_ms;
    return true;
  }

  // A new shim in the place of a dead one: the plan's lease is as old as the gang, and what the
  // agent says of it counts instead.
  void Resume(int64_t epoch, int64_t until_ns, int64_t grace_ms) {
    if (epoch < epoch_ || fenced_) return;
    epoch_ = epoch;
    until_ns_ = until_ns;
    grace_ms_ = grace_ms;
  }

  // Whether the gang must be stopped now: true once, with the time that is left until the kill.
  bool Fire(int64_t now_ns, int64_t* grace_ms) {
    if (fenced_ || !Expired(now_ns)) return false;
    fenced_ = true;
    *grace_ms = std::max<int64_t>(grace_ms_ - (now_ns - until_ns_) / 1'000'000, 0);
    return true;
  }
  bool fenced() const { return fenced_; }

  // When Fire() is due; -1: never.
  int64_t NextDeadlineNs() const { return fenced_ || until_ns_ == 0 ? -1 : until_ns_; }

 private:
  bool Expired(int64_t now_ns) const { return until_ns_ != 0 && now_ns >= until_ns_; }

  int64_t epoch_;
  int64_t until_ns_;
  int64_t grace_ms_;
  bool fenced_ = false;
};

}  // namespace muster

#endif  // MUSTER_AGENT_SHIM_FENCE_KEEPER_H_
