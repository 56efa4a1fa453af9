#ifndef MUSTER_AGENT_STATE_FORMAT_H_
#define MUSTER_AGENT_STATE_FORMAT_H_

#include <string>

#include "absl/status/status.h"

namespace muster {

// Whether this program may work on the state directory, by the mark that its users leave there:
// STATE/format, the newest protocol that has written there and the program that did. A directory
// without a mark is of the first format, or new. FAILED_PRECONDITION: its major is another one. A
// newer minor is fine, as everywhere. Leaves this program's mark where it is the newest. Blocks.
absl::Status CheckStateFormat(const std::string& state_dir);

}  // namespace muster

#endif  // MUSTER_AGENT_STATE_FORMAT_H_
