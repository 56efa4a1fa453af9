#include "agent/shim/output_pump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "agent/shim/kernel.h"

namespace muster {
namespace {

constexpr int64_t kMaxMove = 1 << 20;
constexpr size_t kCopyChunk = 64 << 10;
constexpr int64_t kGateShare = 4;  // Gated below a quarter of the pipe.
constexpr int64_t kMinSegment = 4096;

OutputPump::Options Sane(OutputPump::Options options) {
  options.max_size = std::max(options.max_size, 2 * kMinSegment);
  // At least two segments within max_size, or dropping the oldest would drop all.
  options.file.segment_size =
      std::clamp(options.file.segment_size, kMinSegment, options.max_size / 2);
  return options;
}

bool NoRoom(int error) { return error == ENOSPC || error == EDQUOT || error == EFBIG; }

}  // namespace

OutputPump::OutputPump(const Options& options)
    : options_(Sane(options)), log_full_(options.log_full), file_(options_.file) {}

void OutputPump::SetPipe(UniqueFd pipe, bool is_tty) {
  pipe_ = std::move(pipe);
  ended_ = false;
  if (!pipe_.valid()) return;
  is_tty_ = is_tty;
  copies_ = copies_ || is_tty;
  fcntl(pipe_.get(), F_SETFL, fcntl(pipe_.get(), F_GETFL) | O_NONBLOCK);
  pipe_size_ = std::max(fcntl(pipe_.get(), F_GETPIPE_SZ), 4096);
}

int OutputPump::ReopenWriteEnd() const {
  if (!is_open()) return -1;
  if (is_tty_) return ioctl(pipe_.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  const std::string path = "/proc/self/fd/" + std::to_string(pipe_.get());
  return open(path.c_str(), O_WRONLY | O_CLOEXEC);
}

OutputPump::Result OutputPump::Pump(int64_t budget) {
  while (is_open() || !carried_.empty()) {
    // Nothing may be opened before there is a byte for it.
    if (carried_.empty() && !file_.is_open() && Waiting() == 0) {
      return HungUp() ? End() : Result::kDry;
    }
    int64_t room = 0;
    const int error = MakeRoom(&room);
    if (error != 0) {
      const Result result = HandleFull(error);
      if (result != Result::kMore) return result;
      continue;
    }
    int64_t moved = 0;
    const int64_t limit = std::min(room, kMaxMove);
    const Result result = copies_ ? Copy(limit, &moved) : Splice(limit, &moved);
    if (result != Result::kMore) return result;
    budget -= moved;
    if (moved > 0 && moved < std::min(limit, pipe_size_ / kGateShare)) return Result::kGated;
    if (budget <= 0) return Result::kMore;
  }
  return Result::kEnded;
}

void OutputPump::Drain() {
  int64_t budget = Waiting();
  if (budget == 0) {
    if (is_open() && HungUp() && carried_.empty()) End();
    return;
  }
  while (budget > 0) {
    const int64_t before = length_;
    const Result result = Pump(budget);
    if (result != Result::kMore && result != Result::kGated) return;
    budget -= length_ - before;
    if (length_ == before) return;
  }
  if (Waiting() == 0 && HungUp() && carried_.empty()) End();
}

int OutputPump::MakeRoom(int64_t* room) {
  if (file_.NeedsSegment(length_) && log_full_ == LogFull::kDropOldest) {
    const int64_t bound = options_.max_size - options_.file.segment_size;
    while (file_.Retained(length_) > bound && file_.DropOldest()) {
    }
  }
  int64_t below_max = kMaxMove;
  if (file_.has_segments() && log_full_ != LogFull::kDropOldest) {
    below_max = options_.max_size - file_.Retained(length_);
    if (below_max <= 0) return EFBIG;
  }
  const int error = file_.Prepare(length_);
  *room = std::min(file_.Room(length_), below_max);
  return error;
}

OutputPump::Result OutputPump::HandleFull(int error) {
  if (error == EINTR) return Result::kMore;
  switch (log_full_) {
    case LogFull::kBlock:
      if (error == EFBIG && file_.ForgetRemoved()) return Result::kMore;
      return NoRoom(error) ? Result::kBlocked : Discard(GapReason::kWriteError);
    case LogFull::kDropOldest:
      if (NoRoom(error) && file_.DropOldest()) return Result::kMore;
      return Discard(NoRoom(error) ? GapReason::kDiskFull : GapReason::kWriteError);
    case LogFull::kDropNew:
      if (error == EFBIG) return Discard(GapReason::kDroppedNew);
      return Discard(NoRoom(error) ? GapReason::kDiskFull : GapReason::kWriteError);
  }
  return Result::kBlocked;
}

OutputPump::Result OutputPump::Discard(GapReason reason) {
  int64_t lost = static_cast<int64_t>(carried_.size());
  carried_.clear();
  static char sink[kCopyChunk];
  Result result = Result::kDry;
  // One pipe full at most, so that a flooding rank leaves time for the others.
  while (is_open() && lost < pipe_size_) {
    const ssize_t got = read(pipe_.get(), sink, sizeof(sink));
    if (got > 0) {
      lost += got;
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got == 0 || errno == EIO) result = End();
    break;
  }
  if (lost > 0) file_.index()->Gap(length_, lost, reason);
  length_ += lost;
  return result == Result::kEnded ? result : Result::kGated;
}

OutputPump::Result OutputPump::Splice(int64_t limit, int64_t* moved) {
  loff_t position = file_.Position(length_);
  const ssize_t got = splice(pipe_.get(), nullptr, file_.fd(), &position,
                             static_cast<size_t>(limit), SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  if (got > 0) {
    file_.index()->Mark(length_);
    length_ += got;
    *moved = got;
    return Result::kMore;
  }
  if (got == 0) return End();
  switch (errno) {
    case EINTR:
      return Result::kMore;
    case EAGAIN:
      return Result::kDry;
    case EINVAL:
      copies_ = true;
      return Result::kMore;
    default:
      return HandleFull(errno);
  }
}

OutputPump::Result OutputPump::Copy(int64_t limit, int64_t* moved) {
  if (carried_.empty()) {
    static char buffer[kCopyChunk];
    const size_t size = std::min(sizeof(buffer), static_cast<size_t>(limit));
    const ssize_t got = read(pipe_.get(), buffer, size);
    if (got == 0) return End();
    if (got < 0) {
      if (errno == EINTR) return Result::kMore;
      return errno == EIO ? End() : Result::kDry;  // EIO: no slave of the PTY is open any more.
    }
    carried_.assign(buffer, static_cast<size_t>(got));
  }
  const size_t size = std::min(carried_.size(), static_cast<size_t>(limit));
  const ssize_t wrote = pwrite(file_.fd(), carried_.data(), size, file_.Position(length_));
  if (wrote < 0) return HandleFull(errno);
  file_.index()->Mark(length_);
  carried_.erase(0, static_cast<size_t>(wrote));
  length_ += wrote;
  *moved = wrote;
  return Result::kMore;
}

OutputPump::Result OutputPump::End() {
  ended_ = true;
  return Result::kEnded;
}

int64_t OutputPump::Waiting() const {
  int bytes = 0;
  if (!is_open() || ioctl(pipe_.get(), FIONREAD, &bytes) != 0) return 0;
  return bytes;
}

bool OutputPump::HungUp() const {
  if (!is_open()) return false;
  pollfd poll_pipe = {pipe_.get(), POLLIN, 0};
  return poll(&poll_pipe, 1, 0) == 1 && (poll_pipe.revents & POLLHUP) != 0 &&
         (poll_pipe.revents & POLLIN) == 0;
}

}  // namespace muster
