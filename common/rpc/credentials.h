// Who may talk to whom: a Unix socket (its file mode says who), or TCP with mutual TLS. Plain TCP
// is refused but for loopback, and there only with `insecure`.
#ifndef MUSTER_COMMON_RPC_CREDENTIALS_H_
#define MUSTER_COMMON_RPC_CREDENTIALS_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"

namespace muster {

// How TCP is secured. The three files (PEM) are given together or not at all; they are read again
// when they change, for new connections.
struct SecurityOptions {
  std::string tls_cert;   // This side's certificate chain.
  std::string tls_key;    // Its private key; nobody else may read it.
  std::string tls_ca;     // Who signs the other side's certificates.
  bool insecure = false;  // Plain TCP on loopback.
};

// `unix:PATH` or `HOST:PORT` (`[ADDR]:PORT` for IPv6). INVALID_ARGUMENT otherwise.
absl::Status CheckAddress(absl::string_view address);
bool IsUnixAddress(absl::string_view address);
// PATH of `unix:PATH`.
std::string UnixPathOf(absl::string_view address);
// HOST of `HOST:PORT`, without brackets; empty for a Unix socket.
std::string HostOf(absl::string_view address);
// Whether only this host can reach it. By the text alone: names other than `localhost` are not.
bool IsLoopbackAddress(absl::string_view address);

// FAILED_PRECONDITION says what is missing: a certificate, or that plain TCP is for loopback only.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    absl::string_view address, const SecurityOptions& security);
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(
    absl::string_view address, const SecurityOptions& security);

// Whether `security` would do for `address`, files read and all; makes nothing.
absl::Status CheckSecurity(absl::string_view address, const SecurityOptions& security);

}  // namespace muster

#endif  // MUSTER_COMMON_RPC_CREDENTIALS_H_
