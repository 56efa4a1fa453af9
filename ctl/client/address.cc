#include "ctl/client/address.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/base/unique_fd.h"
#include "common/rpc/certificates.h"
#include "common/rpc/credentials.h"
#include "common/rpc/error_details.h"

namespace muster {
namespace {

constexpr char kSystemSocket[] = "/run/muster/agent.sock";
constexpr char kUserSocket[] = "muster/agent.sock";  // Below $XDG_RUNTIME_DIR.

absl::Status ProbeUnix(const std::string& address) {
  const std::string path = UnixPathOf(address);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof(name.sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat("address ", address, ": the path has ",
                                                   path.size(), " bytes, at most ",
                                                   sizeof(name.sun_path) - 1, " fit"));
  }
  std::memcpy(name.sun_path, path.data(), path.size());
  // Non-blocking: a full backlog means that somebody listens.
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return ErrnoStatus(errno, "socket");
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof(name)) == 0) {
    return absl::OkStatus();
  }
  if (errno == EAGAIN) return absl::OkStatus();
  if (errno == EACCES || errno == EPERM) {
    return WithDetail(absl::PermissionDeniedError(absl::StrCat(
                          "the agent's socket ", address, " is closed to you: ", strerror(errno))),
                      "SOCKET_FORBIDDEN", "",
                      "ask the host's operator, or use 'msctl run --local'");
  }
  return NoAgentError(address, strerror(errno));
}

}  // namespace

std::string GetEnv(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

std::string ResolveAddress(const std::string& flag, const EnvLookup& env) {
  if (!flag.empty()) return flag;
  const std::string from_env = env("MSCTL_ADDRESS");
  if (!from_env.empty()) return from_env;
  const std::string runtime_dir = env("XDG_RUNTIME_DIR");
  if (!runtime_dir.empty() && !PathExists(kSystemSocket)) {
    const std::string user_socket = JoinPath(runtime_dir, kUserSocket);
    if (PathExists(user_socket)) return absl::StrCat("unix:", user_socket);
  }
  return absl::StrCat("unix:", kSystemSocket);
}

absl::Status NoAgentError(const std::string& address, const std::string& cause) {
  return WithDetail(absl::UnavailableError(absl::StrCat("no agent answers at ", address,
                                                        cause.empty() ? "" : " (", cause,
                                                        cause.empty() ? "" : ")")),
                    kNoAgentReason, "", "start one with 'msagentd', or use 'msctl run --local'");
}

absl::Status CheckTlsFiles(const std::string& address, const SecurityOptions& security) {
  if (IsUnixAddress(address)) return absl::OkStatus();
  const bool tls = !security.tls_cert.empty();
  absl::Status checked = CheckSecurity(address, security);
  if (tls && checked.ok()) checked = CheckCertificates(security, "tls", Issuer::kAny);
  if (tls && checked.ok()) checked = CheckCertificateDates(security, "tls", Issuer::kAny, absl::Now());
  return checked.ok() ? checked : absl::InvalidArgumentError(checked.message());
}

absl::Status ProbeAddress(const std::string& address) {
  MUSTER_RETURN_IF_ERROR(CheckAddress(address));
  return IsUnixAddress(address) ? ProbeUnix(address) : absl::OkStatus();
}

}  // namespace muster
