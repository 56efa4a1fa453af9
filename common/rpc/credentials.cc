#include "common/rpc/credentials.h"

#include <arpa/inet.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <memory>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/mutex.h"
#include "common/base/status.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"

namespace muster {
namespace {

constexpr char kUnixPrefix[] = "unix:";
constexpr unsigned kReloadSeconds = 60;  // One look at three files; a rotation needs no restart.

// Splits at the last colon; an IPv6 address stands in brackets.
bool SplitHostPort(absl::string_view address, std::string* host, int* port) {
  const size_t colon = address.rfind(':');
  if (colon == absl::string_view::npos) return false;
  absl::string_view name = address.substr(0, colon);
  if (absl::ConsumePrefix(&name, "[")) {
    if (!absl::ConsumeSuffix(&name, "]")) return false;
  } else if (absl::StrContains(name, ":")) {
    return false;
  }
  *host = std::string(name);
  return !host->empty() && absl::SimpleAtoi(address.substr(colon + 1), port) && *port >= 0 &&
         *port <= 65535;
}

absl::Status CheckReadable(const char* flag, const std::string& path) {
  if (access(path.c_str(), R_OK) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, absl::StrCat("--", flag, " ", path));
}

absl::Status CheckFiles(const SecurityOptions& security) {
  MUSTER_RETURN_IF_ERROR(CheckReadable("tls_cert", security.tls_cert));
  MUSTER_RETURN_IF_ERROR(CheckReadable("tls_key", security.tls_key));
  MUSTER_RETURN_IF_ERROR(CheckReadable("tls_ca", security.tls_ca));
  struct stat key;
  if (stat(security.tls_key.c_str(), &key) != 0) return ErrnoStatus(errno, security.tls_key);
  if ((key.st_mode & (S_IROTH | S_IWOTH)) != 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "--tls_key ", security.tls_key, ": every user can read this private key; chmod 600 it"));
  }
  return absl::OkStatus();
}

using Provider = grpc::experimental::FileWatcherCertificateProvider;

// One for each set of files, and for good, as gRPC's own references do not keep the wrapper alive:
// each has a thread and reads the files anew, and a scheduler has a channel to each of thousands of
// agents.
std::shared_ptr<Provider> WatchFiles(const SecurityOptions& security) {
  static auto* const mutex = new Mutex;
  static auto* const known = new std::map<std::vector<std::string>, std::shared_ptr<Provider>>;
  const MutexLock lock(mutex);
  std::shared_ptr<Provider>& provider =
      (*known)[{security.tls_cert, security.tls_key, security.tls_ca}];
  if (provider == nullptr) {
    provider = std::make_shared<Provider>(security.tls_key, security.tls_cert, security.tls_ca,
                                          kReloadSeconds);
  }
  return provider;
}

bool HasTls(const SecurityOptions& security) { return !security.tls_cert.empty(); }

}  // namespace

absl::Status CheckAddress(absl::string_view address) {
  if (IsUnixAddress(address)) {
    const std::string path = UnixPathOf(address);
    if (path.empty() || path[0] != '/') {
      return absl::InvalidArgumentError(
          absl::StrCat("address '", address, "': the path of a Unix socket must be absolute"));
    }
    if (path.size() >= sizeof(sockaddr_un::sun_path)) {
      return absl::InvalidArgumentError(absl::StrCat("address '", address, "': ", path.size(),
                                                     " bytes of path, the kernel takes ",
                                                     sizeof(sockaddr_un::sun_path) - 1));
    }
    return absl::OkStatus();
  }
  std::string host;
  int port = 0;
  if (SplitHostPort(address, &host, &port)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("address '", address, "': neither unix:PATH nor HOST:PORT"));
}

bool IsUnixAddress(absl::string_view address) { return absl::StartsWith(address, kUnixPrefix); }

std::string UnixPathOf(absl::string_view address) {
  if (!absl::ConsumePrefix(&address, kUnixPrefix)) return "";
  // gRPC takes unix:///absolute as well.
  if (absl::StartsWith(address, "//")) address.remove_prefix(2);
  return std::string(address);
}

std::string HostOf(absl::string_view address) {
  std::string host;
  int port = 0;
  if (IsUnixAddress(address) || !SplitHostPort(address, &host, &port)) return "";
  return host;
}

bool IsLoopbackAddress(absl::string_view address) {
  if (IsUnixAddress(address)) return true;
  const std::string host = HostOf(address);
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  return host == "::1" || absl::AsciiStrToLower(host) == "localhost";
}

absl::Status CheckSecurity(absl::string_view address, const SecurityOptions& security) {
  MUSTER_RETURN_IF_ERROR(CheckAddress(address));
  const int given =
      !security.tls_cert.empty() + !security.tls_key.empty() + !security.tls_ca.empty();
  if (given != 0 && given != 3) {
    return absl::FailedPreconditionError(
        "mutual TLS needs all of --tls_cert, --tls_key and --tls_ca");
  }
  if (IsUnixAddress(address)) return absl::OkStatus();
  if (HasTls(security)) return CheckFiles(security);
  if (!security.insecure) {
    return absl::FailedPreconditionError(absl::StrCat(
        "address '", address, "': TCP needs mutual TLS; give --tls_cert, --tls_key and --tls_ca",
        IsLoopbackAddress(address) ? ", or --insecure on this loopback address" : ""));
  }
  if (!IsLoopbackAddress(address)) {
    return absl::FailedPreconditionError(
        absl::StrCat("address '", address,
                     "': --insecure is for loopback addresses and Unix sockets only; give "
                     "--tls_cert, --tls_key and --tls_ca"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    absl::string_view address, const SecurityOptions& security) {
  MUSTER_RETURN_IF_ERROR(CheckSecurity(address, security));
  if (IsUnixAddress(address) || !HasTls(security)) return grpc::InsecureServerCredentials();
  grpc::experimental::TlsServerCredentialsOptions options(WatchFiles(security));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return grpc::experimental::TlsServerCredentials(options);
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(
    absl::string_view address, const SecurityOptions& security) {
  MUSTER_RETURN_IF_ERROR(CheckSecurity(address, security));
  if (IsUnixAddress(address) || !HasTls(security)) return grpc::InsecureChannelCredentials();
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(WatchFiles(security));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_verify_server_certs(true);  // The host's name too: gRPC's default verifier.
  return grpc::experimental::TlsCredentials(options);
}

}  // namespace muster
