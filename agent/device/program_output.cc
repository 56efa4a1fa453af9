#include "agent/device/program_output.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/base/unique_fd.h"

namespace muster {
namespace {

constexpr size_t kMaxOutput = 1 << 20;

// posix_spawn, because the agent has gRPC's threads (architecture.md, rule 1). In a group of its
// own, so that a kill reaches what a wrapper script has started.
absl::StatusOr<pid_t> Spawn(const std::vector<std::string>& argv, int output) {
  std::vector<char*> arguments;
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  pid_t pid = -1;
  const int error =
      posix_spawnp(&pid, argv[0].c_str(), &files, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) return ErrnoStatus(error, argv[0]);
  return pid;
}

absl::StatusOr<std::string> ReadToEnd(int fd, absl::Duration timeout, const std::string& program) {
  const absl::Duration deadline = Clock::Real()->Boot() + timeout;
  std::string output;
  for (;;) {
    const absl::Duration left = deadline - Clock::Real()->Boot();
    pollfd readable{fd, POLLIN, 0};
    const int n = left > absl::ZeroDuration()
                      ? poll(&readable, 1, static_cast<int>(absl::ToInt64Milliseconds(left)) + 1)
                      : 0;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, absl::StrCat("output of ", program));
    if (n == 0) {
      return absl::DeadlineExceededError(
          absl::StrCat(program, ": no end after ", absl::FormatDuration(timeout)));
    }
    char buffer[4096];
    const ssize_t size = read(fd, buffer, sizeof(buffer));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return ErrnoStatus(errno, absl::StrCat("output of ", program));
    if (size == 0) return output;
    output.append(buffer, static_cast<size_t>(size));
    if (output.size() > kMaxOutput) {
      return absl::ResourceExhaustedError(absl::StrCat(program, ": printed more than 1 MiB"));
    }
  }
}

}  // namespace

absl::StatusOr<ProgramEnd> RunProgram(const std::vector<std::string>& argv,
                                      absl::Duration timeout) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe");
  UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  MUSTER_ASSIGN_OR_RETURN(const pid_t pid, Spawn(argv, write_end.get()));
  write_end.reset();
  absl::StatusOr<std::string> output = ReadToEnd(read_end.get(), timeout, argv[0]);
  if (!output.ok()) kill(-pid, SIGKILL);
  int status = 0;  // A program that closes its output and lives on would hold us: none here does.
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!output.ok()) return output.status();
  return ProgramEnd{*std::move(output), status};
}

absl::StatusOr<std::string> ProgramOutput(const std::vector<std::string>& argv,
                                          absl::Duration timeout) {
  MUSTER_ASSIGN_OR_RETURN(ProgramEnd end, RunProgram(argv, timeout));
  const int status = end.wait_status;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return std::move(end.output);
  return absl::InternalError(
      absl::StrCat(argv[0], WIFSIGNALED(status) ? ": killed by signal " : ": exited with code ",
                   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)));
}

}  // namespace muster
