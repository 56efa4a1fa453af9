#include "ctl/frontend/engine/stdin_relay.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/base/unique_fd.h"
#include "ctl/frontend/engine/process_table.h"
#include "ctl/frontend/engine/terminal_reader.h"

namespace muster {
namespace {

constexpr char kEof = 4;  // What ends a line or the file on a rank's terminal.
constexpr absl::Duration kFirstPause = absl::Milliseconds(10);
constexpr absl::Duration kLongestPause = absl::Milliseconds(500);
constexpr absl::Duration kBackgroundPause = absl::Milliseconds(500);

// Canonical, so that Ctrl-D is an end of file; no echo, since the user's own terminal echoes; and
// no character but newline and Ctrl-D has a meaning: the user's own terminal has edited the line.
void MakeQuiet(int terminal) {
  termios mode;
  if (tcgetattr(terminal, &mode) != 0) return;
  mode.c_iflag = 0;
  mode.c_oflag = 0;
  mode.c_lflag = ICANON;
  std::fill(std::begin(mode.c_cc), std::end(mode.c_cc), _POSIX_VDISABLE);
  mode.c_cc[VEOF] = kEof;
  tcsetattr(terminal, TCSANOW, &mode);
}

class StdinRelayImpl : public StdinRelay {
 public:
  StdinRelayImpl(EventLoop* loop, int terminal) : loop_(loop), terminal_(terminal) { Listen(); }
  ~StdinRelayImpl() override {
    if (listening_) loop_->Unwatch(terminal_);
    loop_->Cancel(retry_timer_);
    loop_->Cancel(background_timer_);
  }

  absl::StatusOr<int> Add() override {
    Rank rank;
    rank.ours.reset(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
    if (!rank.ours.valid() || grantpt(rank.ours.get()) != 0 || unlockpt(rank.ours.get()) != 0) {
      return ErrnoStatus(errno, "a terminal for a rank's stdin");
    }
    rank.theirs.reset(ioctl(rank.ours.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    struct stat device;
    if (!rank.theirs.valid() || fstat(rank.theirs.get(), &device) != 0) {
      return ErrnoStatus(errno, "a terminal for a rank's stdin");
    }
    rank.device = device.st_rdev;
    MakeQuiet(rank.theirs.get());
    ranks_.push_back(std::move(rank));
    return ranks_.back().theirs.get();
  }

  void Started(int nth, pid_t pid) override {
    Rank& rank = ranks_.at(static_cast<size_t>(nth));
    rank.pid = pid;
    rank.theirs.reset();  // With the rank's processes the last reader goes.
  }

  void Nudge() override {
    // A try that is due soon is not put off: ranks may write all the time.
    if (lines_.empty() || retries_soon_) return;
    pause_ = kFirstPause;
    Retry();
  }

 private:
  struct Rank {
    UniqueFd ours;
    UniqueFd theirs;  // Until it has started.
    dev_t device = 0;
    pid_t pid = 0;
    TerminalWaiter served;  // Who got the last line: it may not have woken up yet.
  };

  void Listen() {
    listening_ = true;
    loop_->Watch(terminal_, EPOLLIN, [this](uint32_t events) { OnTerminal(events); });
  }
  void StopListening() {
    listening_ = false;
    loop_->Unwatch(terminal_);
  }

  void OnTerminal(uint32_t events) {
    // In the background a read would stop us; the lines are the shell's anyway.
    const pid_t foreground = tcgetpgrp(terminal_);
    if (foreground >= 0 && foreground != getpgrp()) {
      StopListening();
      background_timer_ = loop_->After(kBackgroundPause, [this] { Listen(); });
      return;
    }
    char bytes[4096];
    const ssize_t n = read(terminal_, bytes, sizeof(bytes));
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (n < 0 || (n == 0 && (events & (EPOLLHUP | EPOLLERR)) != 0)) return StopListening();
    Take(std::string(bytes, static_cast<size_t>(n)));
    pause_ = kFirstPause;
    Dispatch();
  }

  // Ctrl-D within a line sends it without a newline, at its start it is an end of file: both are
  // one kEof on the rank's terminal too.
  void Take(const std::string& bytes) {
    size_t begin = 0;
    for (size_t newline; (newline = bytes.find('\n', begin)) != std::string::npos;) {
      lines_.push_back(bytes.substr(begin, newline + 1 - begin));
      begin = newline + 1;
    }
    if (begin < bytes.size() || bytes.empty()) lines_.push_back(bytes.substr(begin) + kEof);
  }

  void Dispatch() {
    while (!lines_.empty()) {
      const int taker = NextTaker();
      if (taker < 0) return Retry();
      Give(taker);
    }
  }

  void Retry() {
    loop_->Cancel(retry_timer_);
    retries_soon_ = pause_ == kFirstPause;
    retry_timer_ = loop_->After(pause_, [this] {
      retries_soon_ = false;
      Dispatch();
    });
    pause_ = std::min(pause_ * 2, kLongestPause);
  }

  void Give(int taker) {
    const Rank& rank = ranks_[static_cast<size_t>(taker)];
    const std::string& line = lines_.front();
    const ssize_t ignored = write(rank.ours.get(), line.data(), line.size());
    (void)ignored;  // A terminal takes what a terminal gave.
    lines_.pop_front();
    next_ = (taker + 1) % static_cast<int>(ranks_.size());
  }

  // The first rank from `next_` on that waits; -1: nobody does.
  int NextTaker() {
    const std::vector<ProcessEntry> table = ReadProcessTable();
    const int count = static_cast<int>(ranks_.size());
    for (int i = 0; i < count; ++i) {
      const int nth = (next_ + i) % count;
      if (TakesALine(table, &ranks_[static_cast<size_t>(nth)])) return nth;
    }
    return -1;
  }

  static bool TakesALine(const std::vector<ProcessEntry>& table, Rank* rank) {
    if (rank->pid == 0) return false;
    const auto is_it = [rank](const ProcessEntry& entry) {
      return entry.pid == rank->pid && !entry.zombie;
    };
    if (std::none_of(table.begin(), table.end(), is_it)) return false;
    std::vector<pid_t> processes = DescendantsOf(table, {rank->pid});
    processes.insert(processes.begin(), rank->pid);
    const TerminalWaiters found = FindTerminalWaiters(processes, rank->device);
    for (const TerminalWaiter& waiter : found.waiters) {
      if (waiter == rank->served) continue;
      rank->served = waiter;
      return true;
    }
    return found.unknown && found.waiters.empty();
  }

  EventLoop* const loop_;
  const int terminal_;
  bool listening_ = false;
  std::vector<Rank> ranks_;
  std::deque<std::string> lines_;  // Typed, and not given to anybody yet.
  int next_ = 0;                   // The rank whose turn it is.
  absl::Duration pause_ = kFirstPause;
  bool retries_soon_ = false;  // The timer below is as short as it gets.
  EventLoop::TimerId retry_timer_ = 0;
  EventLoop::TimerId background_timer_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<StdinRelay>> StdinRelay::CreateForTerminal(EventLoop* loop) {
  if (isatty(STDIN_FILENO) == 0) return std::unique_ptr<StdinRelay>();
  return Create(loop, STDIN_FILENO);
}

std::unique_ptr<StdinRelay> StdinRelay::Create(EventLoop* loop, int terminal) {
  return std::make_unique<StdinRelayImpl>(loop, terminal);
}

}  // namespace muster
