#include "ctl/frontend/torchrun/sockets.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/base/status.h"

namespace muster {
namespace {

constexpr int kType = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

absl::StatusOr<Addresses> Resolve(const std::string& host, int port) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(host.c_str(), absl::StrCat(port).c_str(), &hints, &list);
  if (error != 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot resolve '", host,
                     "': ", error == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(error)));
  }
  return Addresses(list);
}

// The address alone, as bytes.
absl::string_view Bytes(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(address);
    return {reinterpret_cast<const char*>(&in->sin_addr), sizeof(in->sin_addr)};
  }
  if (address->sa_family == AF_INET6) {
    const auto* in = reinterpret_cast<const sockaddr_in6*>(address);
    return {reinterpret_cast<const char*>(&in->sin6_addr), sizeof(in->sin6_addr)};
  }
  return {};
}

bool IsLoopback(const sockaddr* address) {
  const absl::string_view bytes = Bytes(address);
  if (address->sa_family == AF_INET) return bytes[0] == 127;
  return address->sa_family == AF_INET6 &&
         bytes ==
             absl::string_view(reinterpret_cast<const char*>(&in6addr_loopback), sizeof(in6_addr));
}

bool IsOurs(const sockaddr* address) {
  if (IsLoopback(address)) return true;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return false;
  bool ours = false;
  for (const ifaddrs* each = list; each != nullptr && !ours; each = each->ifa_next) {
    if (each->ifa_addr == nullptr) continue;
    const absl::string_view bytes = Bytes(each->ifa_addr);
    ours = !bytes.empty() && bytes == Bytes(address);
  }
  freeifaddrs(list);
  return ours;
}

absl::StatusOr<UniqueFd> Listen(const sockaddr* address, socklen_t size, const std::string& shown) {
  UniqueFd fd(socket(address->sa_family, kType, 0));
  if (!fd.valid()) return ErrnoStatus(errno, "socket");
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(fd.get(), address, size) != 0 || listen(fd.get(), SOMAXCONN) != 0) {
    if (errno == EADDRINUSE) {
      return absl::AlreadyExistsError(absl::StrCat(shown, ": somebody listens there already"));
    }
    return ErrnoStatus(errno, absl::StrCat("listen at ", shown));
  }
  return fd;
}

sockaddr_in6 EveryAddress(int port) {
  sockaddr_in6 address = {};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_any;
  address.sin6_port = htons(static_cast<uint16_t>(port));
  return address;
}

// On every address of both families, or of IPv4 where the kernel has no IPv6.
absl::StatusOr<UniqueFd> ListenEverywhere(int port) {
  const sockaddr_in6 both = EveryAddress(port);
  const std::string shown = absl::StrCat("port ", port);
  absl::StatusOr<UniqueFd> fd =
      Listen(reinterpret_cast<const sockaddr*>(&both), sizeof(both), shown);
  if (fd.ok() || absl::IsAlreadyExists(fd.status())) return fd;
  sockaddr_in four = {};
  four.sin_family = AF_INET;
  four.sin_port = htons(static_cast<uint16_t>(port));
  return Listen(reinterpret_cast<const sockaddr*>(&four), sizeof(four), shown);
}

}  // namespace

bool IsThisHost(const std::string& host) {
  char name[HOST_NAME_MAX + 1] = {};
  if (host == "localhost") return true;
  if (gethostname(name, sizeof(name) - 1) == 0 && host == name) return true;
  const absl::StatusOr<Addresses> addresses = Resolve(host, 0);
  return addresses.ok() && IsOurs((*addresses)->ai_addr);
}

absl::StatusOr<UniqueFd> ListenAt(const std::string& host, int port) {
  const absl::StatusOr<Addresses> addresses = Resolve(host, port);
  if (!addresses.ok() || !IsOurs((*addresses)->ai_addr)) return ListenEverywhere(port);
  // What a name means here is not what it means to the others: Debian's /etc/hosts gives a host's
  // own name the address 127.0.1.1.
  in6_addr numeric;
  const bool is_address = inet_pton(AF_INET, host.c_str(), &numeric) == 1 ||
                          inet_pton(AF_INET6, host.c_str(), &numeric) == 1;
  if (!is_address && host != "localhost") return ListenEverywhere(port);
  return Listen((*addresses)->ai_addr, (*addresses)->ai_addrlen, HostPort(host, port));
}

absl::StatusOr<UniqueFd> StartConnect(const std::string& host, int port, int attempt) {
  MUSTER_ASSIGN_OR_RETURN(const Addresses addresses, Resolve(host, port));
  int count = 0;
  for (const addrinfo* each = addresses.get(); each != nullptr; each = each->ai_next) ++count;
  const addrinfo* address = addresses.get();
  for (int skip = attempt % count; skip > 0; --skip) address = address->ai_next;
  UniqueFd fd(socket(address->ai_family, kType, 0));
  if (!fd.valid()) return ErrnoStatus(errno, "socket");
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (connect(fd.get(), address->ai_addr, address->ai_addrlen) != 0 && errno != EINPROGRESS) {
    return absl::UnavailableError(std::strerror(errno));
  }
  return fd;
}

absl::Status ConnectResult(int fd) {
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  return error == 0 ? absl::OkStatus() : absl::UnavailableError(std::strerror(error));
}

absl::StatusOr<int> AnyFreePort() {
  MUSTER_ASSIGN_OR_RETURN(const UniqueFd fd, ListenEverywhere(0));
  sockaddr_in6 address = {};
  socklen_t size = sizeof(address);
  if (getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return ErrnoStatus(errno, "getsockname");
  }
  return ntohs(address.sin6_port);  // At the same place in both families.
}

std::string HostPort(const std::string& host, int port) {
  const bool six = host.find(':') != std::string::npos;
  return six ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
}

}  // namespace muster
