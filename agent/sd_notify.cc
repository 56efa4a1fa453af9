#include "agent/sd_notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace muster {
namespace {

std::string Take(const char* name) {
  const char* const value = std::getenv(name);
  const std::string taken = value == nullptr ? "" : value;
  unsetenv(name);
  return taken;
}

}  // namespace

absl::StatusOr<SdNotify> SdNotify::FromEnvironment() {
  SdNotify notify;
  notify.socket_ = Take("NOTIFY_SOCKET");
  const std::string usec = Take("WATCHDOG_USEC");
  const std::string pid = Take("WATCHDOG_PID");
  if (notify.socket_.empty()) return notify;
  if ((notify.socket_[0] != '/' && notify.socket_[0] != '@') ||
      notify.socket_.size() >= sizeof(sockaddr_un::sun_path)) {
    return absl::InvalidArgumentError(
        absl::StrCat("NOTIFY_SOCKET=", notify.socket_, ": not a socket's address"));
  }
  notify.fd_.reset(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!notify.fd_.valid()) return ErrnoStatus(errno, "socket for NOTIFY_SOCKET");
  const bool ours = pid.empty() || pid == absl::StrCat(getpid());
  if (usec.empty() || !ours) return notify;
  int64_t micros = 0;
  if (!absl::SimpleAtoi(usec, &micros) || micros <= 0) {
    return absl::InvalidArgumentError(absl::StrCat("WATCHDOG_USEC=", usec, ": not a time"));
  }
  notify.watchdog_ = absl::Microseconds(micros);
  return notify;
}

void SdNotify::Send(absl::string_view state) const {
  if (!fd_.valid()) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (socket_[0] == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  const ssize_t ignored = sendto(fd_.get(), state.data(), state.size(), MSG_NOSIGNAL,
                                 reinterpret_cast<const sockaddr*>(&address), length);
  (void)ignored;
}

}  // namespace muster
