#ifndef MUSTER_AGENT_SHIM_PROTOCOL_H_
#define MUSTER_AGENT_SHIM_PROTOCOL_H_

#include <string>

#include "common/base/protocol.h"

namespace muster {

// What the msshim at `path` speaks, by its own word; minor 0 when it gives none: before leases
// there was no --version. Blocks for as long as the program runs, some milliseconds.
ProtocolVersion ShimProtocol(const std::string& path);

}  // namespace muster

#endif  // MUSTER_AGENT_SHIM_PROTOCOL_H_
