#ifndef MUSTER_AGENT_LISTENER_H_
#define MUSTER_AGENT_LISTENER_H_

#include <string>

#include "absl/status/status.h"

namespace muster {

// Makes `address` ready to be listened on, because gRPC tells no reason when it cannot, and takes a
// Unix socket away from a living server without a word: makes the socket's directory, removes a
// socket that nobody answers on, tries to bind a port. ALREADY_EXISTS: somebody listens there.
absl::Status PrepareListener(const std::string& address);

}  // namespace muster

#endif  // MUSTER_AGENT_LISTENER_H_
