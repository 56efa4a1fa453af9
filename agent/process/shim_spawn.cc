#include "agent/process/shim_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/shim/kernel.h"
#include "common/base/open_files.h"
#include "common/base/status.h"
#include "common/base/unique_fd.h"

extern char** environ;

namespace muster {
namespace {

constexpr int kAgentFd = 3;          // In the shim.
constexpr size_t kSignalBytes = 8;   // The kernel's sigset_t.
constexpr size_t kActionBytes = 64;  // At least the kernel's sigaction.

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

// What the shim is told of the agent's limit of open files: it and its ranks are to have the one
// that the agent was born with. Empty: they have it anyway.
std::string OpenFilesVariable() {
  const uint64_t at_birth = OpenFilesAtBirth();
  return at_birth == 0 ? "" : absl::StrCat(kOpenFilesVariable, "=", at_birth);
}

// The agent's environment is nothing to the shim, but for the failpoints of tests.
std::vector<char*> ShimEnvironment(std::string* open_files) {
  std::vector<char*> environment;
  if (!open_files->empty()) environment.push_back(open_files->data());
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (strncmp(*entry, "MUSTER_FAILPOINT=", 17) == 0 ||
        strncmp(*entry, "MUSTER_PLANT=", 13) == 0) {
      environment.push_back(*entry);
    }
  }
  environment.push_back(nullptr);
  return environment;
}

// What the child tells its parent, in memory that both share.
struct Birth {
  std::atomic<bool> began{false};   // Nobody killed it before it ran.
  std::atomic<bool> failed{false};  // It could not run its program.
};

// The new process until its execve: a copy of one thread of many, so it makes system calls only.
// `join`: the cgroup.procs of the cgroup that it moves to; -1: it is there.
void BecomeShim(int join, int agent_fd, const char* program, char* const* argv, char* const* env) {
  if (join >= 0 && syscall(SYS_write, join, "0", 1) != 1) return;
  syscall(SYS_setsid);
  const char by_default[kActionBytes] = {};
  for (int number = 1; number < NSIG; ++number) {
    syscall(SYS_rt_sigaction, number, by_default, nullptr, kSignalBytes);
  }
  const uint64_t none = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, kSignalBytes);
  const long null = syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR, 0);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (null != fd && syscall(SYS_dup3, null, fd, 0) < 0) return;
  }
  const bool placed = agent_fd == kAgentFd ? syscall(SYS_fcntl, agent_fd, F_SETFD, 0) == 0
                                           : syscall(SYS_dup3, agent_fd, kAgentFd, 0) >= 0;
  if (!placed || CloseRange(kAgentFd + 1, UINT_MAX, 0) != 0) return;
  syscall(SYS_execve, program, argv, env);
}

// A process in the cgroup whose directory is `leaf`; -1 where that cannot be. `join` as for
// BecomeShim: -1 has it born there. `*began`: whether it ran at all.
pid_t CloneIn(int leaf, int join, bool* began, int agent_fd, const char* program, char* const* argv,
              char* const* env) {
  *began = true;
  void* const page =
      mmap(nullptr, sizeof(Birth), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return -1;
  auto* const birth = new (page) Birth;
  clone_args clone = {};
  clone.flags = CLONE_VFORK;  // Returns when the child runs its program.
  clone.exit_signal = SIGCHLD;
  if (join < 0) {
    clone.flags |= CLONE_INTO_CGROUP;
    clone.cgroup = static_cast<uint64_t>(leaf);
  }
  const auto pid = static_cast<pid_t>(syscall(SYS_clone3, &clone, sizeof(clone)));
  if (pid == 0) {
    birth->began.store(true);
    BecomeShim(join, agent_fd, program, argv, env);
    birth->failed.store(true);
    syscall(SYS_exit_group, 1);
  }
  *began = pid < 0 || birth->began.load();
  // Whether it runs its program is known on return, and its death is not.
  const bool runs = pid > 0 && *began && !birth->failed.load();
  munmap(page, sizeof(Birth));
  if (runs) return pid;
  if (pid > 0) waitpid(pid, nullptr, 0);
  return -1;
}

// As CloneIn. It is born there: to move it later takes some 10 ms of the loop, a grace period of
// the kernel's RCU. But for Linux 6.18 and others, which kill at its birth whatever is cloned into
// a cgroup to which, or above which, cgroup.kill was ever written.
pid_t SpawnIn(const std::string& cgroup, int agent_fd, const char* program, char* const* argv,
              char* const* env) {
  const UniqueFd leaf(open(cgroup.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!leaf.valid()) return -1;
  bool began = false;
  const pid_t pid = CloneIn(leaf.get(), -1, &began, agent_fd, program, argv, env);
  if (began) return pid;
  const UniqueFd procs(openat(leaf.get(), "cgroup.procs", O_WRONLY | O_CLOEXEC));
  if (!procs.valid()) return -1;
  return CloneIn(leaf.get(), procs.get(), &began, agent_fd, program, argv, env);
}

}  // namespace

absl::StatusOr<pid_t> SpawnShim(const ShimCommand& command, int agent_fd, bool takeover) {
  std::string program = command.program;
  std::string dir = command.gang_dir;
  std::string fd = absl::StrCat("--fd=", kAgentFd);
  std::string takeover_flag = "--takeover";
  std::vector<char*> argv = {program.data(), dir.data(), fd.data()};
  if (takeover) argv.push_back(takeover_flag.data());
  argv.push_back(nullptr);
  std::string open_files = OpenFilesVariable();
  const std::vector<char*> env = ShimEnvironment(&open_files);
  pid_t pid = -1;
  if (!command.cgroup.empty()) {
    pid = SpawnIn(command.cgroup, agent_fd, program.c_str(), argv.data(), env.data());
    if (pid > 0) return pid;
  }
  const SpawnSetup setup(agent_fd);
  const int error = posix_spawn(&pid, program.c_str(), setup.actions(), setup.attributes(),
                                argv.data(), env.data());
  if (error != 0) return ErrnoStatus(error, absl::StrCat("msshim '", program, "'"));
  return pid;
}

}  // namespace muster
