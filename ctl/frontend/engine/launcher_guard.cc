#include "ctl/frontend/engine/launcher_guard.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <set>
#include <vector>

#include "common/base/status.h"
#include "ctl/frontend/engine/process_table.h"

namespace muster {
namespace {

constexpr int kPauseUs = 2000;
constexpr int kMaxRounds = 5000;  // A process that does not even die of SIGKILL is left alone.

struct Word {
  enum Kind : int { kSession, kProcess, kGone, kAllIsWell };
  Kind kind;
  pid_t pid;
};

void Send(int pipe, Word::Kind kind, pid_t pid) {
  const Word word = {kind, pid};  // Less than PIPE_BUF: whole or not at all.
  while (write(pipe, &word, sizeof(word)) < 0 && errno == EINTR) {
  }
}

// Kills until nothing is left: what is born meanwhile is found in the next round.
void KillAll(const std::set<pid_t>& sessions, const std::set<pid_t>& processes) {
  std::set<pid_t> roots = processes;
  for (int round = 0; round < kMaxRounds; ++round) {
    const std::vector<ProcessEntry> table = ReadProcessTable();
    for (const pid_t pid : MembersOf(table, sessions)) roots.insert(pid);
    for (const pid_t pid : DescendantsOf(table, roots)) roots.insert(pid);
    bool any = false;
    for (const ProcessEntry& entry : table) {
      if (roots.count(entry.pid) == 0 || entry.zombie) continue;
      any = true;
      kill(entry.pid, SIGKILL);
    }
    if (!any) return;
    usleep(kPauseUs);
  }
}

[[noreturn]] void RunGuard(int pipe) {
  setsid();  // A hang-up or Ctrl-C of the terminal is for the launcher.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) std::signal(signal, SIG_IGN);
  prctl(PR_SET_NAME, "muster-guard");
  // Whoever reads the launcher's output must see its end, not the guard's.
  const int null = open("/dev/null", O_RDWR);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, fd);
  dup2(pipe, STDERR_FILENO + 1);
  close_range(STDERR_FILENO + 2, ~0U, 0);
  std::set<pid_t> sessions;
  std::set<pid_t> processes;
  for (;;) {
    Word word;
    const ssize_t n = read(STDERR_FILENO + 1, &word, sizeof(word));
    if (n < 0 && errno == EINTR) continue;
    if (n != sizeof(word)) break;
    if (word.kind == Word::kAllIsWell) _exit(0);
    if (word.kind == Word::kSession) sessions.insert(word.pid);
    if (word.kind == Word::kProcess) processes.insert(word.pid);
    if (word.kind == Word::kGone) {
      sessions.erase(word.pid);
      processes.erase(word.pid);
    }
  }
  KillAll(sessions, processes);
  _exit(0);
}

}  // namespace

absl::StatusOr<std::unique_ptr<LauncherGuard>> LauncherGuard::Start() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe to the guard");
  UniqueFd theirs(ends[0]);
  UniqueFd ours(ends[1]);
  // A fork whose end is told by no signal: only __WCLONE waits for it, so that "no child is left"
  // stays a question that one waitid() answers.
  const auto pid = static_cast<pid_t>(syscall(SYS_clone, 0, nullptr, nullptr, nullptr, nullptr));
  if (pid < 0) return ErrnoStatus(errno, "fork of the guard");
  if (pid == 0) RunGuard(theirs.get());
  return std::unique_ptr<LauncherGuard>(new LauncherGuard(pid, std::move(ours)));
}

LauncherGuard::~LauncherGuard() {
  Send(pipe_.get(), Word::kAllIsWell, 0);
  while (waitpid(pid_, nullptr, __WCLONE) < 0 && errno == EINTR) {
  }
}

void LauncherGuard::Add(pid_t pid, bool session) {
  Send(pipe_.get(), session ? Word::kSession : Word::kProcess, pid);
}

void LauncherGuard::Remove(pid_t pid) { Send(pipe_.get(), Word::kGone, pid); }

}  // namespace muster
