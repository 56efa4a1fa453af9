// TCP, without blocking, as the launchers of a job use it.
#ifndef MUSTER_CTL_FRONTEND_TORCHRUN_SOCKETS_H_
#define MUSTER_CTL_FRONTEND_TORCHRUN_SOCKETS_H_

#include <string>

#include "absl/status/statusor.h"
#include "common/base/unique_fd.h"

namespace muster {

// Whether `host` is this machine: "localhost", its own name, or the address of one of its
// interfaces. May ask the resolver.
bool IsThisHost(const std::string& host);

// A listening socket at `host`:`port` where `host` is an address of this machine or "localhost"; at
// every address where it is a name, or somebody else's address (a translated one). ALREADY_EXISTS:
// somebody listens there.
absl::StatusOr<UniqueFd> ListenAt(const std::string& host, int port);

// A connection that is under way: it is writable once it is decided, see ConnectResult(). Asks the
// resolver; of several addresses each attempt takes the next, from 0.
absl::StatusOr<UniqueFd> StartConnect(const std::string& host, int port, int attempt);
absl::Status ConnectResult(int fd);

// A free port that the kernel chooses.
absl::StatusOr<int> AnyFreePort();

// "10.0.0.1:29500", "[::1]:29500".
std::string HostPort(const std::string& host, int port);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_TORCHRUN_SOCKETS_H_
