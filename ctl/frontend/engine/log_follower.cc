#include "ctl/frontend/engine/log_follower.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <set>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/base/unique_fd.h"

namespace muster {
namespace {

// After a look at the files the next one waits as long: ranks that write all the time cost us a
// bounded number of wake-ups, and nobody sees the difference.
constexpr absl::Duration kPause = absl::Milliseconds(5);
// Where the user has no inotify instance left (fs.inotify.max_user_instances).
constexpr absl::Duration kPollPause = absl::Milliseconds(20);
// While whoever gets the bytes takes none.
constexpr absl::Duration kGatePause = absl::Milliseconds(20);
constexpr size_t kChunk = size_t{16} << 10;
constexpr int64_t kTurn = int64_t{1} << 20;  // Of one file, before the loop does something else.

class LogFollowerImpl : public LogFollower {
 public:
  explicit LogFollowerImpl(EventLoop* loop)
      : loop_(loop), inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (inotify_.valid()) loop_->Watch(inotify_.get(), EPOLLIN, [this](uint32_t) { OnChange(); });
  }
  ~LogFollowerImpl() override {
    loop_->Cancel(timer_);
    if (inotify_.valid()) loop_->Unwatch(inotify_.get());
  }

  void set_gate(Gate gate) override { gate_ = std::move(gate); }

  absl::Status Follow(const std::string& path, int64_t offset, OnBytes on_bytes) override {
    File file;
    // Not blocking: nobody may ever write to a pipe.
    file.fd.reset(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    struct stat status;
    if (!file.fd.valid() || fstat(file.fd.get(), &status) != 0) {
      return ErrnoStatus(errno, absl::StrCat("log file ", path));
    }
    if (!S_ISREG(status.st_mode)) return absl::OkStatus();
    file.offset = offset;
    file.on_bytes = std::move(on_bytes);
    const int watch =
        inotify_.valid() ? inotify_add_watch(inotify_.get(), path.c_str(), IN_MODIFY) : -1;
    if (watch >= 0) by_watch_[watch] = files_.size();
    polls_ = polls_ || watch < 0;
    // What is there already comes from the loop too, not from within this call.
    pending_.insert(files_.size());
    files_.push_back(std::move(file));
    WakeIn(absl::ZeroDuration());
    return absl::OkStatus();
  }

  void Retire() override {
    for (const auto& [watch, index] : by_watch_) inotify_rm_watch(inotify_.get(), watch);
    by_watch_.clear();
    polls_ = false;
    for (size_t i = 0; i < files_.size(); ++i) {
      File& file = files_[i];
      if (!file.fd.valid() || file.end >= 0) continue;
      file.end = SizeOf(file);
      pending_.insert(i);
    }
    WakeIn(absl::ZeroDuration());
  }

  void Look() override {
    MarkAll();
    ReadPending();
    if (!pending_.empty() || closed_) Rest();
  }

  void Drain() override {
    MarkAll();
    for (const size_t index : std::exchange(pending_, {})) {
      while (Read(index, kTurn)) {
      }
    }
  }

 private:
  struct File {
    UniqueFd fd;
    int64_t offset = 0;
    int64_t end = -1;  // Of a retired one: what is behind it is others'.
    OnBytes on_bytes;
  };

  static int64_t SizeOf(const File& file) {
    struct stat status;
    return fstat(file.fd.get(), &status) == 0 ? status.st_size : 0;
  }

  void OnChange() {
    TakeEvents();
    ReadPending();
    Rest();
  }

  void TakeEvents() {
    if (!inotify_.valid()) return;
    alignas(inotify_event) char events[16 << 10];
    ssize_t n;
    while ((n = read(inotify_.get(), events, sizeof(events))) > 0) {
      for (const char* at = events; at < events + n;) {
        const auto* const event = reinterpret_cast<const inotify_event*>(at);
        at += sizeof(inotify_event) + event->len;
        const auto found = by_watch_.find(event->wd);
        if (found != by_watch_.end()) pending_.insert(found->second);
        if ((event->mask & IN_Q_OVERFLOW) != 0) MarkAll();
      }
    }
  }

  void MarkAll() {
    for (size_t i = 0; i < files_.size(); ++i) {
      if (files_[i].fd.valid()) pending_.insert(i);
    }
  }

  bool GateIsOpen() {
    closed_ = gate_ != nullptr && !gate_();
    return !closed_;
  }

  // One turn of each file that has something new.
  void ReadPending() {
    closed_ = false;
    for (const size_t index : std::set<size_t>(pending_)) {
      int64_t left = kTurn;
      bool more = true;
      while (more && left > 0 && GateIsOpen()) {
        more = Read(index, static_cast<int64_t>(kChunk));
        left -= static_cast<int64_t>(kChunk);
      }
      if (!more) pending_.erase(index);
    }
    GateIsOpen();
  }

  void Rest() {
    if (inotify_.valid()) loop_->Rewatch(inotify_.get(), 0);
    WakeIn(closed_ ? kGatePause : polls_ ? kPollPause : kPause);
  }
  void WakeIn(absl::Duration pause) {
    loop_->Cancel(timer_);
    timer_ = loop_->After(pause, [this] {
      if (polls_) MarkAll();
      // Behind a closed gate the last bytes may still be on their way.
      if (!pending_.empty() || closed_) return OnChange();
      if (inotify_.valid()) loop_->Rewatch(inotify_.get(), EPOLLIN);
    });
  }

  // Reads on, about `most` bytes; whether there is more.
  bool Read(size_t index, int64_t most) {
    File& file = files_[index];
    if (!file.fd.valid()) return false;
    const int64_t size = SizeOf(file);
    if (size < file.offset) file.offset = 0;
    const int64_t end = file.end >= 0 ? std::min(file.end, size) : size;
    buffer_.resize(kChunk);
    while (file.offset < end && most > 0) {
      const auto wanted = std::min<int64_t>(end - file.offset, static_cast<int64_t>(kChunk));
      const ssize_t n =
          pread(file.fd.get(), buffer_.data(), static_cast<size_t>(wanted), file.offset);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      file.offset += n;
      most -= n;
      file.on_bytes(absl::string_view(buffer_.data(), static_cast<size_t>(n)));
      if (most <= 0 && file.offset < end) return true;
    }
    if (file.end >= 0) file.fd.reset();
    return false;
  }

  EventLoop* const loop_;
  UniqueFd inotify_;
  Gate gate_;
  std::deque<File> files_;  // Stable: a reaction may add one.
  std::unordered_map<int, size_t> by_watch_;
  std::set<size_t> pending_;  // Files with something new.
  std::string buffer_;
  EventLoop::TimerId timer_ = 0;  // The next look, or the end of a rest.
  bool closed_ = false;           // The gate, when it was asked last.
  bool polls_ = false;            // Some file has no watch.
};

}  // namespace

absl::StatusOr<std::unique_ptr<LogFollower>> LogFollower::Create(EventLoop* loop) {
  return absl::StatusOr<std::unique_ptr<LogFollower>>(std::make_unique<LogFollowerImpl>(loop));
}

}  // namespace muster
