#include "agent/device/ports.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/base/unique_fd.h"

namespace muster {
namespace {

// Without `reuse` a port in TIME_WAIT counts as taken: not every rendezvous sets SO_REUSEADDR.
bool CanBind(int family, const sockaddr* address, socklen_t size, bool reuse) {
  UniqueFd fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return errno == EAFNOSUPPORT;  // A host without IPv6 has nobody on it.
  const int on = 1;
  if (reuse) setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (family == AF_INET6) setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  if (bind(fd.get(), address, size) == 0 || errno == EADDRNOTAVAIL) return true;
  return reuse && errno == EACCES;  // Below 1024, where that takes root: nobody can tell.
}

bool CanBindAll(int port, bool reuse) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(INADDR_ANY);
  v4.sin_port = htons(static_cast<uint16_t>(port));
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_addr = in6addr_any;
  v6.sin6_port = htons(static_cast<uint16_t>(port));
  return CanBind(AF_INET, reinterpret_cast<const sockaddr*>(&v4), sizeof(v4), reuse) &&
         CanBind(AF_INET6, reinterpret_cast<const sockaddr*>(&v6), sizeof(v6), reuse);
}

}  // namespace

PortRange OutsideEphemeral(PortRange wanted, absl::string_view ephemeral, int enough) {
  const std::vector<absl::string_view> ends =
      absl::StrSplit(ephemeral, absl::ByAnyChar(" \t\n"), absl::SkipEmpty());
  int first = 0;
  int last = 0;
  if (ends.size() != 2 || !absl::SimpleAtoi(ends[0], &first) || !absl::SimpleAtoi(ends[1], &last)) {
    return wanted;
  }
  const PortRange below{wanted.first, std::min(wanted.last, first - 1)};
  const PortRange above{std::max(wanted.first, last + 1), wanted.last};
  const PortRange larger = above.size() > below.size() ? above : below;
  return larger.size() < std::min(enough, wanted.size()) ? wanted : larger;
}

bool PortIsFree(int port) { return CanBindAll(port, /*reuse=*/false); }

bool NobodyListens(int port) { return CanBindAll(port, /*reuse=*/true); }

}  // namespace muster
