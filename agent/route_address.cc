#include "agent/route_address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/base/unique_fd.h"
#include "common/rpc/credentials.h"

namespace muster {
namespace {

// Of a network that is reserved for documents (RFC 5737): only the default route leads there.
constexpr char kSomewhere[] = "192.0.2.1:9";

absl::StatusOr<std::string> LocalAddressOf(int fd) {
  sockaddr_storage name{};
  socklen_t size = sizeof(name);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) {
    return ErrnoStatus(errno, "getsockname");
  }
  char text[NI_MAXHOST];
  const int error = getnameinfo(reinterpret_cast<sockaddr*>(&name), size, text, sizeof(text),
                                nullptr, 0, NI_NUMERICHOST);
  if (error != 0) return absl::InternalError(gai_strerror(error));
  return std::string(text);
}

}  // namespace

absl::StatusOr<std::string> AddressTowards(const std::string& peer) {
  const std::string target = peer.empty() ? kSomewhere : peer;
  const std::string host = HostOf(target);
  const std::string port = target.substr(target.rfind(':') + 1);
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(absl::StrCat("host ", host, ": ", gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, freeaddrinfo);
  int last_error = ENETUNREACH;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    const UniqueFd fd(socket(one->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (fd.valid() && connect(fd.get(), one->ai_addr, one->ai_addrlen) == 0) {
      return LocalAddressOf(fd.get());
    }
    last_error = errno;
  }
  return absl::UnavailableError(
      absl::StrCat("no route to ", host, ": ", std::strerror(last_error)));
}

bool NeedsLookup(const std::string& peer) {
  if (peer.empty()) return false;
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* found = nullptr;
  if (getaddrinfo(HostOf(peer).c_str(), nullptr, &hints, &found) != 0) return true;
  freeaddrinfo(found);
  return false;
}

}  // namespace muster
