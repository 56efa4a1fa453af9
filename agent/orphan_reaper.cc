#include "agent/orphan_reaper.h"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "common/base/fs.h"
#include "glog/logging.h"

namespace muster {
namespace {

constexpr absl::Duration kPause = absl::Seconds(1);

int ChildSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

// Children of all threads of this process (Linux with CONFIG_PROC_CHILDREN, as all distributions
// have it; without it none).
std::vector<pid_t> Children() {
  std::vector<pid_t> children;
  const absl::StatusOr<std::vector<std::string>> threads = ListDir("/proc/self/task");
  if (!threads.ok()) return children;
  for (const std::string& thread : *threads) {
    const absl::StatusOr<std::string> text =
        ReadFile(absl::StrCat("/proc/self/task/", thread, "/children"));
    if (!text.ok()) continue;
    for (absl::string_view word : absl::StrSplit(*text, ' ', absl::SkipEmpty())) {
      pid_t pid = 0;
      if (absl::SimpleAtoi(word, &pid)) children.push_back(pid);
    }
  }
  return children;
}

// When a dead child of another session began, in clock ticks; nullopt for any other.
std::optional<int64_t> DeadStranger(pid_t pid) {
  const absl::StatusOr<std::string> stat = ReadFile(absl::StrCat("/proc/", pid, "/stat"));
  if (!stat.ok()) return std::nullopt;
  // proc(5): after "PID (NAME) " come the state, field 3, the session, 6, and the start, 22.
  const size_t name_end = stat->rfind(") ");
  if (name_end == std::string::npos) return std::nullopt;
  const std::vector<std::string> fields = absl::StrSplit(stat->substr(name_end + 2), ' ');
  pid_t session = 0;
  int64_t start = 0;
  if (fields.size() < 20 || fields[0] != "Z" || !absl::SimpleAtoi(fields[3], &session) ||
      session == getsid(0) || !absl::SimpleAtoi(fields[19], &start)) {
    return std::nullopt;
  }
  return start;
}

}  // namespace

OrphanReaper::OrphanReaper(EventLoop* loop) : loop_(loop), signals_(ChildSignals()) {
  PCHECK(signals_.valid()) << "signalfd";
  PCHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0) << "prctl";
  loop_->Watch(signals_.get(), EPOLLIN, [this](uint32_t) {
    signalfd_siginfo info;
    while (read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
    }
    LookSoon();
  });
}

OrphanReaper::~OrphanReaper() {
  loop_->Cancel(look_);
  loop_->Unwatch(signals_.get());
}

void OrphanReaper::LookSoon() {
  if (look_ == 0) look_ = loop_->After(kPause, [this] { Look(); });
}

void OrphanReaper::Look() {
  look_ = 0;
  std::map<pid_t, int64_t> dead;
  for (const pid_t pid : Children()) {
    const std::optional<int64_t> start = DeadStranger(pid);
    if (!start.has_value()) continue;
    const auto before = dead_.find(pid);
    if (before != dead_.end() && before->second == *start) {
      waitpid(pid, nullptr, WNOHANG);
    } else {
      dead[pid] = *start;
    }
  }
  dead_ = std::move(dead);
  if (!dead_.empty()) LookSoon();
}

}  // namespace muster
