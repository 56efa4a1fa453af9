#include "agent/process/shim_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "agent/shim/fd_socket.h"
#include "agent/shim/kernel.h"
#include "agent/shim/log_format.h"
#include "common/base/fs.h"
#include "common/base/status.h"

namespace muster {
namespace {

void ReapWhenGone(pid_t pid, EventLoop* loop) {
  auto pidfd = std::make_shared<UniqueFd>(PidfdOpen(pid));
  if (!pidfd->valid()) return;
  loop->Watch(pidfd->get(), EPOLLIN, [loop, pid, pidfd](uint32_t) {
    if (waitpid(pid, nullptr, WNOHANG) == 0) return;
    const std::shared_ptr<UniqueFd> keep = pidfd;  // Unwatch() may destroy this closure.
    loop->Unwatch(keep->get());
  });
}

// Whether somebody holds the gang's lock.
absl::StatusOr<bool> ShimLives(const std::string& gang_dir) {
  const std::string path = JoinPath(gang_dir, kLockFile);
  UniqueFd lock(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!lock.valid() && errno == ENOENT) return false;
  if (!lock.valid()) return ErrnoStatus(errno, path);
  return flock(lock.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

}  // namespace

absl::StatusOr<ShimProcess> StartShim(const ShimCommand& command, bool takeover, EventLoop* loop) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    return ErrnoStatus(errno, "socket to msshim");
  }
  ShimProcess shim;
  shim.socket.reset(ends[0]);
  const UniqueFd theirs(ends[1]);
  MUSTER_ASSIGN_OR_RETURN(const pid_t pid, SpawnShim(command, theirs.get(), takeover));
  shim.pidfd.reset(PidfdOpen(pid));  // Before it can be reaped.
  ReapWhenGone(pid, loop);
  return shim;
}

absl::StatusOr<ShimProcess> ConnectToShim(const std::string& gang_dir) {
  constexpr int64_t kWaitNs = 1'000'000'000;
  UniqueFd dir(open(gang_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir.valid()) return ErrnoStatus(errno, gang_dir);
  UniqueFd notices(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  inotify_add_watch(notices.get(), gang_dir.c_str(), IN_MOVED_TO);
  const int64_t deadline = BootNs() + kWaitNs;
  while (true) {
    ShimProcess shim;
    shim.socket = ConnectIn(dir.get(), kSocketFile);
    if (shim.socket.valid()) {
      shim.pidfd = ListenerOf(shim.socket.get());
      return shim;
    }
    const int error = errno;
    MUSTER_ASSIGN_OR_RETURN(const bool lives, ShimLives(gang_dir));
    if (!lives) {
      return absl::UnavailableError(absl::StrCat(gang_dir, ": no msshim holds its lock"));
    }
    const int64_t left = deadline - BootNs();
    if (left <= 0) {
      return absl::DeadlineExceededError(absl::StrCat(
          gang_dir, ": an msshim holds the lock but does not answer: ", strerror(error)));
    }
    // It takes the lock, then shows its socket.
    pollfd shown = {notices.get(), POLLIN, 0};
    poll(&shown, 1, static_cast<int>(left / 1'000'000) + 1);
    char events[1024];
    while (read(notices.get(), events, sizeof(events)) > 0) {
    }
  }
}

UniqueFd ListenerOf(int connection) {
  ucred peer = {};  // Of the one that called listen().
  socklen_t size = sizeof(peer);
  if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid <= 0)
    return {};
  UniqueFd pidfd(PidfdOpen(peer.pid));
  // As long as the connection stands nobody else has that number.
  pollfd state = {connection, 0, 0};
  if (poll(&state, 1, 0) != 0) return {};
  return pidfd;
}

}  // namespace muster
