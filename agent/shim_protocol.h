#ifndef MUSTER_AGENT_SHIM_PROTOCOL_H_
#define MUSTER_AGENT_SHIM_PROTOCOL_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/protocol.h"

namespace muster {

// What the msshim at `path` speaks, by its own word; minor 0 where it refuses the question: before
// leases there was no --version. Any other end is asked again, and one that never answers is an
// error: to take it for an old one would leave this host's gangs without a fence.
//
// Blocks for as long as the program runs, some milliseconds; each try at most for its `patience`.
absl::StatusOr<ProtocolVersion> ShimProtocol(const std::string& path,
                                             const std::vector<absl::Duration>& patience = {
                                                 absl::Seconds(5), absl::Seconds(10),
                                                 absl::Seconds(20)});

}  // namespace muster

#endif  // MUSTER_AGENT_SHIM_PROTOCOL_H_
