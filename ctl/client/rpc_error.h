#ifndef MUSTER_CTL_CLIENT_RPC_ERROR_H_
#define MUSTER_CTL_CLIENT_RPC_ERROR_H_

#include <string>

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace muster {

// What a call's end means to a user. What the server said stays; what gRPC says of a connection
// becomes "no agent answers at …", or "no TLS connection with …" where the handshake has failed.
absl::Status FromRpc(const grpc::Status& status, const std::string& address);

// What FromRpc() has made of a call to the scheduler at `scheduler`, which the agent at `home` has
// named: that agent answers, so that nobody starts a second one in place of the scheduler.
absl::Status AtScheduler(const absl::Status& status, const std::string& scheduler,
                         const std::string& home);

// Where the scheduler answers, as the agent says that was asked in its place; else empty.
std::string SchedulerAddressIn(const absl::Status& status);
// Whether an agent says so that it is not the scheduler, known or unknown who is.
bool IsNotTheScheduler(const absl::Status& status);
// How often one call is sent on: a scheduler that has just moved is found, a circle ends.
inline constexpr int kMaxRedirects = 3;

}  // namespace muster

#endif  // MUSTER_CTL_CLIENT_RPC_ERROR_H_
