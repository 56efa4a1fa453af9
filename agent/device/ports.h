// TCP ports of this host: which may be given out, and which are in use.
#ifndef MUSTER_AGENT_DEVICE_PORTS_H_
#define MUSTER_AGENT_DEVICE_PORTS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace muster {

struct PortRange {
  int first = 0;
  int last = -1;  // Inclusive; below `first`: empty.
  int size() const { return last < first ? 0 : last - first + 1; }
};

// The larger part of `wanted` that lies outside the kernel's ephemeral range, whose text is
// "FIRST LAST" as in ip_local_port_range(5); `wanted` itself when that part has fewer than
// `enough`.
PortRange OutsideEphemeral(PortRange wanted, absl::string_view ephemeral, int enough);

// Whether nobody listens on `port` now, at any address, IPv4 or IPv6. Tries to bind it.
bool PortIsFree(int port);

// Whether a program that insists on `port`, and so sets SO_REUSEADDR, could listen there now: also
// while connections of an earlier one are in TIME_WAIT.
bool NobodyListens(int port);

}  // namespace muster

#endif  // MUSTER_AGENT_DEVICE_PORTS_H_
