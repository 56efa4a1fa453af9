// From which of its addresses a host with several reaches another one.
#ifndef MUSTER_AGENT_ROUTE_ADDRESS_H_
#define MUSTER_AGENT_ROUTE_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"

namespace muster {

// This host's own address on the way to `peer` (HOST:PORT), as the kernel's routes have it now:
// getsockname(2) of a connected UDP socket, over which nothing is sent. `peer` empty: on the way of
// the default route. Names are looked up, which may block. UNAVAILABLE: there is no route.
absl::StatusOr<std::string> AddressTowards(const std::string& peer);

// Whether AddressTowards(peer) has to look up a name.
bool NeedsLookup(const std::string& peer);

}  // namespace muster

#endif  // MUSTER_AGENT_ROUTE_ADDRESS_H_
