#include "agent/shim/output_set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "agent/shim/kernel.h"

namespace muster {
namespace {

constexpr int kPipeSize = 256 << 10;
constexpr int64_t kBudget = 4 << 20;  // Bytes of one stream before the others get their turn.
constexpr int64_t kGateNs = 1'000'000;
constexpr int64_t kBlockedNs = 200'000'000;
constexpr int64_t kTellNs = 1'000'000;
constexpr uint32_t kRead = EPOLLIN | EPOLLONESHOT;
constexpr unsigned short kRows = 24, kColumns = 80;

// Where several streams share one file of the user's, none of them may empty it at its first byte.
std::map<std::string, int> CountPaths(const ShimPlan& plan) {
  std::map<std::string, int> uses;
  for (const ShimRank& rank : plan.ranks) {
    ++uses[rank.out_path];
    if (!MergesStreams(plan, rank)) ++uses[rank.err_path];
  }
  return uses;
}

// What the rank writes arrives as it wrote it: no "\r\n", no echo.
void MakeRaw(int tty) {
  termios modes;
  if (tcgetattr(tty, &modes) != 0) return;
  modes.c_oflag &= ~static_cast<tcflag_t>(OPOST);
  modes.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  tcsetattr(tty, TCSANOW, &modes);
  const winsize size = {kRows, kColumns, 0, 0};
  ioctl(tty, TIOCSWINSZ, &size);
}

}  // namespace

OutputSet::OutputSet(const ShimPlan* plan, int logs_dir, bool fresh, Poller* poller)
    : plan_(plan), poller_(poller) {
  std::map<std::string, int> uses = CountPaths(*plan);
  for (const ShimRank& rank : plan->ranks) {
    for (const bool is_stderr : {false, true}) {
      OutputPump::Options options;
      options.file.logs_dir = logs_dir;
      options.file.stream = StreamName(rank.role, rank.rank, is_stderr);
      options.file.user_path = is_stderr ? rank.err_path : rank.out_path;
      options.file.segment_size = plan->segment_size;
      // A job's first attempt replaces what an earlier job left; a restart adds to it.
      options.file.keep_user_content =
          !fresh || plan->attempt > 0 || uses[options.file.user_path] > 1;
      options.max_size = plan->max_size;
      options.log_full = plan->log_full;
      Stream stream;
      stream.pump = std::make_unique<OutputPump>(options);
      streams_.push_back(std::move(stream));
    }
  }
}

void OutputSet::SetObservers(GrewFn grew, ClosedFn closed) {
  grew_ = std::move(grew);
  closed_ = std::move(closed);
}

void OutputSet::Recover() {
  for (Stream& stream : streams_) stream.pump->Recover();
}

void OutputSet::AdoptPipe(int index, bool is_stderr, UniqueFd pipe) {
  At(index, is_stderr).pump->SetPipe(std::move(pipe), plan_->tty);
  Watch(static_cast<size_t>(index) * 2 + (is_stderr ? 1 : 0));
}

int OutputSet::OpenPipes(int index, UniqueFd* out, UniqueFd* err) {
  OutputPump* out_pump = At(index, false).pump.get();
  const bool was_open = out_pump->is_open();
  const int error = plan_->tty ? OpenTty(out_pump, out, err) : OpenPipe(out_pump, out);
  if (error != 0) return error;
  if (!was_open) Watch(static_cast<size_t>(index) * 2);
  if (plan_->tty) return 0;
  if (MergesStreams(*plan_, plan_->ranks[static_cast<size_t>(index)])) {
    err->reset(fcntl(out->get(), F_DUPFD_CLOEXEC, 0));
    return err->valid() ? 0 : errno;
  }
  OutputPump* err_pump = At(index, true).pump.get();
  const bool err_was_open = err_pump->is_open();
  const int err_error = OpenPipe(err_pump, err);
  if (err_error == 0 && !err_was_open) Watch(static_cast<size_t>(index) * 2 + 1);
  return err_error;
}

int OutputSet::OpenPipe(OutputPump* pump, UniqueFd* write_end) {
  if (pump->is_open()) {
    write_end->reset(pump->ReopenWriteEnd());
    return write_end->valid() ? 0 : errno;
  }
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno;
  write_end->reset(ends[1]);
  // As much as is granted: an unprivileged user's share of pipe memory may be used up.
  for (int size = kPipeSize; size > 4096 && fcntl(ends[1], F_SETPIPE_SZ, size) < 0; size /= 2) {
  }
  pump->SetPipe(UniqueFd(ends[0]), /*is_tty=*/false);
  return 0;
}

int OutputSet::OpenTty(OutputPump* pump, UniqueFd* out, UniqueFd* err) {
  if (!pump->is_open()) {
    UniqueFd master(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!master.valid() || unlockpt(master.get()) != 0) return errno;
    out->reset(ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!out->valid()) return errno;
    MakeRaw(out->get());
    pump->SetPipe(std::move(master), /*is_tty=*/true);
  } else {
    out->reset(pump->ReopenWriteEnd());
    if (!out->valid()) return errno;
  }
  err->reset(fcntl(out->get(), F_DUPFD_CLOEXEC, 0));
  return err->valid() ? 0 : errno;
}

void OutputSet::Watch(size_t stream) {
  poller_->Add(
      streams_[stream].pump->pipe(), kRead,
      {stream % 2 == 0 ? WatchKind::kOut : WatchKind::kErr, static_cast<uint32_t>(stream / 2)});
}

void OutputSet::OnReadable(int index, bool is_stderr) {
  Run(static_cast<size_t>(index) * 2 + (is_stderr ? 1 : 0));
}

void OutputSet::Run(size_t number) {
  Stream& stream = streams_[number];
  if (!stream.pump->is_open()) return;
  const int fd = stream.pump->pipe();
  stream.resume_ns = -1;
  stream.blocked = false;
  const OutputPump::Result result = stream.pump->Pump(kBudget);
  const int64_t now = BootNs();
  switch (result) {
    case OutputPump::Result::kDry:
    case OutputPump::Result::kMore:
      poller_->Change(
          fd, kRead,
          {number % 2 == 0 ? WatchKind::kOut : WatchKind::kErr, static_cast<uint32_t>(number / 2)});
      break;
    case OutputPump::Result::kGated:
      stream.resume_ns = now + kGateNs;
      break;
    case OutputPump::Result::kBlocked:
      stream.blocked = true;
      stream.resume_ns = now + kBlockedNs;
      break;
    case OutputPump::Result::kEnded:
      CloseIfEnded(number);
      break;
  }
  Tell(number, now);
}

void OutputSet::CloseIfEnded(size_t number) {
  Stream& stream = streams_[number];
  if (stream.pump->is_open() || stream.pump->pipe() < 0) return;
  poller_->Remove(stream.pump->pipe());
  stream.pump->SetPipe(UniqueFd(), plan_->tty);
  stream.resume_ns = -1;
  stream.pump->Settle();
  closed_(static_cast<int>(number / 2), number % 2 == 1);
}

void OutputSet::Drain(int index) {
  for (const bool is_stderr : {false, true}) {
    const size_t number = static_cast<size_t>(index) * 2 + (is_stderr ? 1 : 0);
    OutputPump* pump = streams_[number].pump.get();
    if (!pump->is_open()) continue;
    pump->Drain();
    CloseIfEnded(number);
    Tell(number, BootNs());
  }
}

void OutputSet::DrainAll() {
  for (size_t index = 0; index < plan_->ranks.size(); ++index) Drain(static_cast<int>(index));
}

void OutputSet::CreateEmptyFiles() {
  for (size_t index = 0; index < plan_->ranks.size(); ++index) {
    const ShimRank& rank = plan_->ranks[index];
    if (!rank.create_empty) continue;
    streams_[index * 2].pump->CreateEmpty();
    if (!MergesStreams(*plan_, rank)) streams_[index * 2 + 1].pump->CreateEmpty();
  }
}

bool OutputSet::Done() const {
  return std::all_of(streams_.begin(), streams_.end(),
                     [](const Stream& stream) { return stream.pump->done(); });
}

bool OutputSet::Blocked() const {
  return std::any_of(streams_.begin(), streams_.end(),
                     [](const Stream& stream) { return stream.blocked; });
}

void OutputSet::CloseAll() {
  for (size_t number = 0; number < streams_.size(); ++number) {
    OutputPump* pump = streams_[number].pump.get();
    if (pump->done()) continue;
    pump->GiveUpWaiting();
    pump->Drain();
    pump->Close();
    CloseIfEnded(number);
  }
}

void OutputSet::OnTime(int64_t now_ns) {
  for (size_t number = 0; number < streams_.size(); ++number) {
    Stream& stream = streams_[number];
    if (stream.resume_ns >= 0 && stream.resume_ns <= now_ns) Run(number);
    Tell(number, now_ns);
  }
}

int64_t OutputSet::NextDeadlineNs() const {
  int64_t next = -1;
  const auto earlier = [&next](int64_t when) {
    if (next < 0 || when < next) next = when;
  };
  for (const Stream& stream : streams_) {
    if (stream.resume_ns >= 0) earlier(stream.resume_ns);
    if (stream.subscribed && stream.told_length != stream.pump->length()) {
      earlier(stream.told_ns + kTellNs);
    }
  }
  return next;
}

void OutputSet::Subscribe(int index, bool is_stderr, bool on) {
  Stream& stream = At(index, is_stderr);
  stream.subscribed = on;
  stream.told_length = -1;
  stream.told_ns = 0;
  if (on) Tell(static_cast<size_t>(index) * 2 + (is_stderr ? 1 : 0), BootNs());
}

void OutputSet::UnsubscribeAll() {
  for (Stream& stream : streams_) stream.subscribed = false;
}

void OutputSet::Tell(size_t number, int64_t now_ns) {
  Stream& stream = streams_[number];
  const int64_t length = stream.pump->length();
  if (!stream.subscribed || stream.told_length == length || now_ns < stream.told_ns + kTellNs) {
    return;
  }
  stream.told_ns = now_ns;
  if (grew_(static_cast<int>(number / 2), number % 2 == 1, length)) stream.told_length = length;
}

}  // namespace muster
