// Until when the scheduler lets this host run gangs with on_partition: fence, and how the state
// directory keeps it for the agent's next life.
#ifndef MUSTER_AGENT_TASK_NODE_LEASE_H_
#define MUSTER_AGENT_TASK_NODE_LEASE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace muster {

struct NodeLease {
  int64_t epoch = 0;     // Of the scheduler that gave it.
  absl::Duration until;  // On Clock::Boot(). Infinite: the host needs none any more.
  absl::Duration grace;  // From SIGTERM, at `until`, to SIGKILL.
};

// How files and frames have it: in nanoseconds; 0 without an end.
int64_t LeaseEndNs(absl::Duration until);

// Nullopt when there is no file. One that cannot be read counts as a lease that has run out: the
// gangs that it was for must not be trusted to a time that nobody knows. Blocks.
std::optional<NodeLease> ReadLease(const std::string& path);
// Replaces the file, and writes over it on a full disk; with the kernel, not on the disk, when it
// returns. Blocks.
absl::Status WriteLease(const std::string& path, const NodeLease& lease);

}  // namespace muster

#endif  // MUSTER_AGENT_TASK_NODE_LEASE_H_
