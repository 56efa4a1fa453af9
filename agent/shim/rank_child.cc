#include "agent/shim/rank_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

#include "agent/shim/kernel.h"

namespace muster {
namespace {

#ifndef CLOSE_RANGE_UNSHARE
constexpr unsigned CLOSE_RANGE_UNSHARE = 2;
#endif
constexpr int kExitNotStarted = 127;

int Fail(const ChildArgs& args, StartStep step, int detail = 0) {
  args.report->error = errno;
  args.report->detail = detail;
  args.report->step = step;
  return kExitNotStarted;
}

// Leaves the shim's descriptors, the lock above all, to the shim.
bool DropOwnFds(const ChildArgs& args) {
  if (CloseRange(kFirstOwnFd, UINT_MAX, CLOSE_RANGE_UNSHARE) == 0) return true;
  if (args.shared_files) return false;
  for (unsigned fd = kFirstOwnFd; fd <= args.max_fd; ++fd) close(static_cast<int>(fd));
  return true;
}

bool JoinCgroups(const ChildArgs& args) {
  for (const char* file : args.cgroup_files) {
    const int fd = open(file, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) != 1) return false;
    close(fd);
  }
  return true;
}

// O_NONBLOCK only for the open: a FIFO without a writer would hold up the whole shim.
bool SetStdin(const ChildArgs& args) {
  const int fd = open(args.stdin_path, O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  return fd >= 0 && fcntl(fd, F_SETFL, 0) == 0 && dup2(fd, STDIN_FILENO) == STDIN_FILENO &&
         (fd == STDIN_FILENO || close(fd) == 0);
}

bool SetOutput(const ChildArgs& args) {
  if (dup2(kOutSlot, STDOUT_FILENO) < 0 || dup2(kErrSlot, STDERR_FILENO) < 0) return false;
  return !args.tty || ioctl(STDOUT_FILENO, TIOCSCTTY, 0) == 0;
}

void ResetSignals(const std::vector<int>& ignored) {
  struct sigaction standard = {};
  standard.sa_handler = SIG_DFL;
  for (const int signal : ignored) sigaction(signal, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// As execvp does it: the first candidate that is there; a forbidden one is remembered.
void Execute(const ChildArgs& args) {
  int error = ENOENT;
  for (const char* program : args.programs) {
    execve(program, args.argv, args.env);
    if (errno == EACCES) {
      error = EACCES;
    } else if (errno != ENOENT && errno != ENOTDIR) {
      return;
    }
  }
  errno = error;
}

}  // namespace

int RunRankChild(void* data) {
  const ChildArgs& args = *static_cast<const ChildArgs*>(data);
  args.report->began = true;
  if (!DropOwnFds(args)) return Fail(args, StartStep::kProcess);
  if (!JoinCgroups(args)) return Fail(args, StartStep::kCgroup);
  if (setsid() < 0) return Fail(args, StartStep::kSession);
  if (args.cpu_mask != nullptr &&
      syscall(SYS_sched_setaffinity, 0, args.cpu_mask_size, args.cpu_mask) < 0) {
    return Fail(args, StartStep::kAffinity);
  }
  for (const auto& [resource, limit] : args.limits) {
    if (setrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0) {
      return Fail(args, StartStep::kLimit, resource);
    }
  }
  umask(args.umask);
  if (args.workdir != nullptr && chdir(args.workdir) != 0) return Fail(args, StartStep::kWorkdir);
  if (!SetStdin(args)) return Fail(args, StartStep::kStdin);
  if (!SetOutput(args)) return Fail(args, StartStep::kOutput);
  CloseRange(kOutSlot, UINT_MAX, 0);
  close(kOutSlot);
  close(kErrSlot);
  ResetSignals(args.ignored_signals);
  Execute(args);
  return Fail(args, StartStep::kProgram);
}

}  // namespace muster
