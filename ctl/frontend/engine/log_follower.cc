#include "ctl/frontend/engine/log_follower.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

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
constexpr size_t kChunk = size_t{64} << 10;

class LogFollowerImpl : public LogFollower {
 public:
  explicit LogFollowerImpl(EventLoop* loop)
      : loop_(loop), inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (inotify_.valid()) loop_->Watch(inotify_.get(), EPOLLIN, [this](uint32_t) { OnChange(); });
  }
  ~LogFollowerImpl() override {
    loop_->Cancel(timer_);
    loop_->Cancel(poll_timer_);
    if (inotify_.valid()) loop_->Unwatch(inotify_.get());
  }

  absl::Status Follow(const std::string& path, int64_t offset, OnBytes on_bytes) override {
    File file;
    file.fd.reset(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.fd.valid()) return ErrnoStatus(errno, absl::StrCat("log file ", path));
    file.offset = offset;
    file.on_bytes = std::move(on_bytes);
    const int watch =
        inotify_.valid() ? inotify_add_watch(inotify_.get(), path.c_str(), IN_MODIFY) : -1;
    if (watch >= 0) by_watch_[watch] = files_.size();
    files_.push_back(std::move(file));
    if (watch < 0) PollAll();
    // What is there already comes from the loop too, not from within this call.
    loop_->Post([this, alive = std::weak_ptr<bool>(alive_), index = files_.size() - 1] {
      if (!alive.expired()) Read(index);
    });
    return absl::OkStatus();
  }

  void Drain() override {
    for (size_t i = 0; i < files_.size(); ++i) Read(i);
  }

 private:
  struct File {
    UniqueFd fd;
    int64_t offset = 0;
    OnBytes on_bytes;
  };

  void OnChange() {
    alignas(inotify_event) char events[16 << 10];
    ssize_t n;
    while ((n = read(inotify_.get(), events, sizeof(events))) > 0) {
      for (const char* at = events; at < events + n;) {
        const auto* const event = reinterpret_cast<const inotify_event*>(at);
        at += sizeof(inotify_event) + event->len;
        const auto found = by_watch_.find(event->wd);
        if (found != by_watch_.end()) changed_.push_back(found->second);
        if ((event->mask & IN_Q_OVERFLOW) != 0) Drain();
      }
    }
    // Events that follow each other at once are one: read each file once.
    std::vector<size_t> changed;
    changed.swap(changed_);
    for (const size_t index : changed) Read(index);
    loop_->Rewatch(inotify_.get(), 0);
    timer_ = loop_->After(kPause, [this] { loop_->Rewatch(inotify_.get(), EPOLLIN); });
  }

  void PollAll() {
    if (polling_) return;
    polling_ = true;
    poll_timer_ = loop_->After(kPollPause, [this] {
      polling_ = false;
      Drain();
      PollAll();
    });
  }

  void Read(size_t index) {
    struct stat status;
    const int fd = files_[index].fd.get();
    if (fstat(fd, &status) == 0 && status.st_size < files_[index].offset) files_[index].offset = 0;
    buffer_.resize(kChunk);
    for (;;) {
      const ssize_t n = pread(fd, buffer_.data(), buffer_.size(), files_[index].offset);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return;
      files_[index].offset += n;
      files_[index].on_bytes(absl::string_view(buffer_.data(), static_cast<size_t>(n)));
    }
  }

  EventLoop* const loop_;
  UniqueFd inotify_;
  std::deque<File> files_;  // Stable: a reaction may add one.
  std::unordered_map<int, size_t> by_watch_;
  std::vector<size_t> changed_;
  std::string buffer_;
  EventLoop::TimerId timer_ = 0;
  EventLoop::TimerId poll_timer_ = 0;
  bool polling_ = false;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

absl::StatusOr<std::unique_ptr<LogFollower>> LogFollower::Create(EventLoop* loop) {
  return absl::StatusOr<std::unique_ptr<LogFollower>>(std::make_unique<LogFollowerImpl>(loop));
}

}  // namespace muster
