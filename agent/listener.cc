#include "agent/listener.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/base/unique_fd.h"
#include "common/rpc/credentials.h"

namespace muster {
namespace {

absl::Status Taken(const std::string& address) {
  return absl::AlreadyExistsError(
      absl::StrCat("cannot listen on ", address,
                   ": another program listens there; stop it, or give --listen "
                   "another address"));
}

absl::Status CannotListen(const std::string& address, int error) {
  return ErrnoStatus(error, absl::StrCat("cannot listen on ", address));
}

// Whether a server answers on the socket at `path`: 0, or the errno of connect(2).
int TryConnect(const std::string& path) {
  const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return errno;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int result =
      connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  return result == 0 ? 0 : errno;
}

absl::Status PrepareUnix(const std::string& address) {
  const std::string path = UnixPathOf(address);
  const std::string dir = DirName(path);
  MUSTER_RETURN_IF_ERROR(Annotate(MakeDirs(dir), absl::StrCat("cannot listen on ", address)));
  if (access(dir.c_str(), W_OK | X_OK) != 0) return CannotListen(address, errno);
  struct stat info;
  if (lstat(path.c_str(), &info) != 0) return absl::OkStatus();
  if (!S_ISSOCK(info.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot listen on ", address, ": a file that is not a socket is there"));
  }
  // EAGAIN: it lives, and its queue is full.
  const int error = TryConnect(path);
  if (error == 0 || error == EAGAIN) return Taken(address);
  if (error != ECONNREFUSED) return CannotListen(address, error);
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return CannotListen(address, errno);
  return absl::OkStatus();
}

absl::Status PrepareTcp(const std::string& address) {
  const std::string host = HostOf(address);
  const std::string port = address.substr(address.rfind(':') + 1);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot listen on ", address, ": ", gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, &freeaddrinfo);
  const UniqueFd fd(socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return CannotListen(address, errno);
  const int on = 1;  // As gRPC does: connections of an earlier agent may linger.
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(fd.get(), found->ai_addr, found->ai_addrlen) == 0) return absl::OkStatus();
  return errno == EADDRINUSE ? Taken(address) : CannotListen(address, errno);
}

}  // namespace

absl::Status PrepareListener(const std::string& address) {
  return IsUnixAddress(address) ? PrepareUnix(address) : PrepareTcp(address);
}

}  // namespace muster
