#include "agent/process/shim_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "agent/shim/fd_socket.h"
#include "agent/shim/kernel.h"
#include "agent/shim/log_format.h"
#include "common/base/fs.h"
#include "common/base/status.h"

extern char** environ;

namespace muster {
namespace {

constexpr int kAgentFd = 3;  // In the shim.

// The attributes and actions of one posix_spawn.
class SpawnSetup {
 public:
  explicit SpawnSetup(int agent_fd) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_adddup2(&actions_, agent_fd, kAgentFd);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      posix_spawn_file_actions_addopen(&actions_, fd, "/dev/null", O_RDWR, 0);
    }
    posix_spawn_file_actions_addclosefrom_np(&actions_, kAgentFd + 1);
    posix_spawnattr_init(&attributes_);
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

// The agent's environment is nothing to the shim, but for the failpoints of tests.
std::vector<char*> ShimEnvironment() {
  std::vector<char*> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (strncmp(*entry, "MUSTER_FAILPOINT=", 17) == 0) environment.push_back(*entry);
  }
  environment.push_back(nullptr);
  return environment;
}

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

absl::StatusOr<UniqueFd> StartShim(const std::string& shim_path, const std::string& gang_dir,
                                   bool takeover, EventLoop* loop) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    return ErrnoStatus(errno, "socket to msshim");
  }
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  const SpawnSetup setup(theirs.get());
  std::string program = shim_path;
  std::string dir = gang_dir;
  std::string fd = absl::StrCat("--fd=", kAgentFd);
  std::string takeover_flag = "--takeover";
  std::vector<char*> argv = {program.data(), dir.data(), fd.data()};
  if (takeover) argv.push_back(takeover_flag.data());
  argv.push_back(nullptr);
  pid_t pid = -1;
  const int error = posix_spawn(&pid, shim_path.c_str(), setup.actions(), setup.attributes(),
                                argv.data(), ShimEnvironment().data());
  if (error != 0) return ErrnoStatus(error, absl::StrCat("msshim '", shim_path, "'"));
  ReapWhenGone(pid, loop);
  return ours;
}

absl::StatusOr<UniqueFd> ConnectToShim(const std::string& gang_dir) {
  constexpr int64_t kWaitNs = 1'000'000'000;
  UniqueFd dir(open(gang_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir.valid()) return ErrnoStatus(errno, gang_dir);
  UniqueFd notices(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  inotify_add_watch(notices.get(), gang_dir.c_str(), IN_MOVED_TO);
  const int64_t deadline = BootNs() + kWaitNs;
  while (true) {
    UniqueFd connection = ConnectIn(dir.get(), kSocketFile);
    if (connection.valid()) return connection;
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

}  // namespace muster
