// How long the scheduler waits before it believes that a silent host has stopped its ranks.
#ifndef MUSTER_SCHEDULER_CORE_FENCE_TIME_H_
#define MUSTER_SCHEDULER_CORE_FENCE_TIME_H_

#include "absl/time/time.h"
#include "common/base/failpoint.h"

namespace muster {

// Silence after which nothing of a fenced gang is left on a host, counted here from the RECEIPT of
// the node's last renewal. The host counts `lease` from before it SENT that, then kills after
// `grace`: so this begins later and lasts longer, whatever the network did in between. On top of
// lease and grace: 1 % for two clocks that run apart, what a loaded host may need to kill and to
// see empty what it has to, and a margin.
inline absl::Duration FencedAfter(absl::Duration lease, absl::Duration grace) {
  if (Planted("restart_before_fenced")) return lease / 2;
  const absl::Duration fence = lease + grace;
  const absl::Duration drift = 0.01 * fence;
  const absl::Duration kill = absl::Seconds(1) + fence / 3;
  constexpr absl::Duration kMargin = absl::Milliseconds(500);
  return fence + drift + kill + kMargin;
}

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_FENCE_TIME_H_
