#ifndef MUSTER_CTL_CLIENT_ADDRESS_H_
#define MUSTER_CTL_CLIENT_ADDRESS_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "common/rpc/credentials.h"

namespace muster {

// getenv(), or a test's own.
using EnvLookup = std::function<std::string(const std::string& name)>;
std::string GetEnv(const std::string& name);

// Where the agent is asked to answer: `flag`, else MSCTL_ADDRESS, else unix:/run/muster/agent.sock,
// else, when only that socket exists, unix:$XDG_RUNTIME_DIR/muster/agent.sock.
std::string ResolveAddress(const std::string& flag, const EnvLookup& env);

// Whether something answers at `address`, now: OK, or UNAVAILABLE "no agent answers at …" with a
// hint. A Unix socket is tried at once; of TCP only the form is checked, gRPC finds out the rest.
absl::Status ProbeAddress(const std::string& address);

// Whether the files of TLS, where `address` needs them, are such as a handshake may take.
// INVALID_ARGUMENT names the file.
absl::Status CheckTlsFiles(const std::string& address, const SecurityOptions& security);

// ErrorDetail.reason of errors that this client, not a server, has worded.
inline constexpr char kNoAgentReason[] = "NO_AGENT";
inline constexpr char kNoAnswerReason[] = "NO_ANSWER";
inline constexpr char kNoSchedulerReason[] = "NO_SCHEDULER";
inline constexpr char kNoTlsReason[] = "NO_TLS";

// "no agent answers at ADDRESS (cause)" with the hint what to do.
absl::Status NoAgentError(const std::string& address, const std::string& cause);

}  // namespace muster

#endif  // MUSTER_CTL_CLIENT_ADDRESS_H_
