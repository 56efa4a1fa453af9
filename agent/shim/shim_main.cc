// msshim: runs the ranks of one gang on this host, for as long as they live. See supervisor.h.
//
//   msshim GANG_DIR [--fd=N] [--takeover]
//   msshim --version
//
// N is an inherited socket to the agent, used as its first connection. With --takeover the ranks of
// a dead shim are continued: their descriptors come over that socket first.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "agent/shim/agent_link.h"
#include "agent/shim/codec.h"
#include "agent/shim/exit_journal.h"
#include "agent/shim/kernel.h"
#include "agent/shim/log_format.h"
#include "agent/shim/poller.h"
#include "agent/shim/rank_child.h"
#include "agent/shim/shim_plan.h"
#include "agent/shim/supervisor.h"
#include "common/base/failpoint.h"
#include "common/base/open_files.h"
#include "common/base/protocol.h"
#include "common/base/unique_fd.h"
#include "common/base/version.h"

namespace muster {
namespace {

constexpr int kLockTries = 1000;  // Of 1 ms: a dead shim's lock falls with its last descriptor.

struct Arguments {
  std::string gang_dir;
  int agent_fd = -1;
  bool takeover = false;
};

bool ParseArguments(int argc, char** argv, Arguments* arguments) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.compare(0, 5, "--fd=") == 0) {
      arguments->agent_fd = atoi(argument.c_str() + 5);
    } else if (argument == "--takeover") {
      arguments->takeover = true;
    } else if (argument[0] == '/' && arguments->gang_dir.empty()) {
      arguments->gang_dir = argument;
    } else {
      return false;
    }
  }
  return !arguments->gang_dir.empty();
}

// Keeps the descriptors of the ranks' output free of ours, and ours out of the ranks.
UniqueFd SetUpDescriptors(int agent_fd) {
  UniqueFd agent(agent_fd < 0 ? -1 : fcntl(agent_fd, F_DUPFD_CLOEXEC, kFirstOwnFd));
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < kFirstOwnFd; ++fd) {
    if (fd != null) dup3(null, fd, O_CLOEXEC);
  }
  if (null >= kFirstOwnFd) close(null);
  return agent;
}

// The shim lives until its work is done: only SIGKILL ends it.
UniqueFd SetUpSignals() {
  for (const int number : {SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGPIPE, SIGXFSZ, SIGUSR1, SIGUSR2,
                           SIGTSTP, SIGTTIN, SIGTTOU}) {
    signal(number, SIG_IGN);
  }
  signal(SIGCHLD, SIG_DFL);
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_SETMASK, &child, nullptr);
  return UniqueFd(signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC));
}

// Before anything is started: an agent opens more files than its ranks are to have.
void TakeOpenFilesLimit() {
  const char* const soft = getenv(kOpenFilesVariable);
  if (soft != nullptr) SetOpenFiles(strtoull(soft, nullptr, 10));
}

bool TakeLock(int dir, bool takeover, UniqueFd* lock) {
  lock->reset(openat(dir, kLockFile, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock->valid()) return false;
  for (int tries = takeover ? kLockTries : 1; flock(lock->get(), LOCK_EX | LOCK_NB) != 0;) {
    if (errno != EWOULDBLOCK || --tries == 0) return false;
    const timespec moment = {0, 1'000'000};
    nanosleep(&moment, nullptr);
  }
  return true;
}

std::string OwnProgram() {
  char path[PATH_MAX];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof(path));
  return size > 0 ? std::string(path, static_cast<size_t>(size)) : "";
}

int Refuse(AgentLink* link, ShimFailure failure, const std::string& text) {
  Encoder out;
  out.U8(static_cast<uint8_t>(failure));
  out.Text(text);
  link->Send(FrameType::kFailed, out.bytes());
  link->Flush();
  return 1;
}

std::string WithErrno(const std::string& what) { return what + ": " + strerror(errno); }

int Main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "--version") == 0) {
    printf("msshim %s protocol %s\n", kVersion, ToString(OwnProtocol()).c_str());
    return 0;
  }
  Arguments arguments;
  if (!ParseArguments(argc, argv, &arguments)) {
    fprintf(stderr,
            "usage: msshim /absolute/gang_dir [--fd=N] [--takeover]\n       msshim --version\n");
    return 2;
  }
  UniqueFd agent = SetUpDescriptors(arguments.agent_fd);
  UniqueFd signals = SetUpSignals();
  TakeOpenFilesLimit();
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  umask(077);
  if (chdir("/") != 0) return 1;

  Poller poller;
  AgentLink link(&poller);
  if (agent.valid()) link.Use(std::move(agent));
  UniqueFd dir(open(arguments.gang_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir.valid()) return Refuse(&link, ShimFailure::kOther, WithErrno(arguments.gang_dir));
  UniqueFd lock;
  if (!TakeLock(dir.get(), arguments.takeover, &lock)) {
    const ShimFailure failure = errno == EWOULDBLOCK ? ShimFailure::kLocked : ShimFailure::kOther;
    return Refuse(&link, failure, WithErrno(arguments.gang_dir + "/" + kLockFile));
  }
  Failpoint("shim.after_lock");
  ShimPlan plan;
  {
    std::string bytes;
    std::string error;
    const std::string path = arguments.gang_dir + "/" + kPlanFile;
    if (!ReadWhole(path, &bytes)) return Refuse(&link, ShimFailure::kOther, WithErrno(path));
    if (!DecodeShimPlan(bytes, &plan, &error)) {
      return Refuse(&link, ShimFailure::kOther, path + ": " + error);
    }
  }
  ExitJournal journal;
  JournalContents contents;
  const std::string exits = arguments.gang_dir + "/" + kExitsFile;
  if (!journal.Open(exits, static_cast<int>(plan.ranks.size()), plan.durable, &contents)) {
    return Refuse(&link, ShimFailure::kOther, WithErrno(exits));
  }
  if (contents.wrong_version) {
    return Refuse(&link, ShimFailure::kOther, exits + ": written by an incompatible msshim");
  }
  Failpoint("shim.after_journal_open");
  const std::string logs = arguments.gang_dir + "/" + kLogsDir;
  mkdir(logs.c_str(), 0700);
  UniqueFd logs_dir(open(logs.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!logs_dir.valid()) return Refuse(&link, ShimFailure::kOther, WithErrno(logs));
  if (!link.Listen(dir.get())) {
    return Refuse(&link, ShimFailure::kOther, WithErrno(arguments.gang_dir + "/" + kSocketFile));
  }
  Failpoint("shim.after_listen");
  Supervisor::Parts parts;
  parts.plan = &plan;
  parts.poller = &poller;
  parts.link = &link;
  parts.journal = &journal;
  parts.logs_dir = logs_dir.get();
  parts.signals = signals.get();
  parts.program = OwnProgram();
  // A gang that somebody has begun is never begun again.
  const bool resume = arguments.takeover || !contents.records.empty();
  Supervisor supervisor(parts, resume, contents.records);
  if (arguments.takeover) supervisor.AwaitAdoption();
  return supervisor.Run();
}

}  // namespace
}  // namespace muster

int main(int argc, char** argv) { return muster::Main(argc, argv); }
