#include "ctl/frontend/torchrun/frame_channel.h"

#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"

namespace muster {
namespace {

constexpr uint32_t kMaxFrame = 1 << 20;
constexpr absl::Duration kBeatEvery = absl::Seconds(5);
// A launcher that was killed closes its connection at once: this is for hosts and networks.
constexpr absl::Duration kGoneAfter = absl::Seconds(30);

}  // namespace

FrameChannel::FrameChannel(EventLoop* loop, UniqueFd fd, OnFrame on_frame, OnClosed on_closed)
    : loop_(loop),
      fd_(std::move(fd)),
      on_frame_(std::move(on_frame)),
      on_closed_(std::move(on_closed)),
      heard_(loop->clock()->Boot()) {
  loop_->Watch(fd_.get(), EPOLLIN, [this](uint32_t events) { OnReady(events); });
  beat_timer_ = loop_->After(kBeatEvery, [this] { Beat(); });
}

FrameChannel::~FrameChannel() {
  *alive_ = false;
  loop_->Cancel(beat_timer_);
  if (fd_.valid()) loop_->Unwatch(fd_.get());
}

void FrameChannel::Send(absl::string_view bytes) {
  DCHECK(loop_->OnLoop());
  if (!fd_.valid()) return;
  const uint32_t size = htonl(static_cast<uint32_t>(bytes.size()));
  out_.append(reinterpret_cast<const char*>(&size), sizeof(size));
  out_.append(bytes.data(), bytes.size());
  Write();
}

void FrameChannel::OnReady(uint32_t events) {
  const std::shared_ptr<bool> alive = alive_;
  if ((events & EPOLLOUT) != 0) Write();
  if (*alive && fd_.valid() && (events & ~EPOLLOUT) != 0) Read();
}

void FrameChannel::Read() {
  const std::shared_ptr<bool> alive = alive_;
  char buffer[16384];
  const ssize_t size = read(fd_.get(), buffer, sizeof(buffer));
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size < 0) return Closed(std::strerror(errno));
  if (size == 0) return Closed("it closed the connection");
  heard_ = loop_->clock()->Boot();
  heard_any_ = true;
  in_.append(buffer, static_cast<size_t>(size));
  uint32_t length = 0;
  while (in_.size() >= sizeof(length)) {
    std::memcpy(&length, in_.data(), sizeof(length));
    length = ntohl(length);
    if (length > kMaxFrame) return Closed("what it sends is no message of this launcher");
    if (in_.size() < sizeof(length) + length) return;
    const std::string frame = in_.substr(sizeof(length), length);
    in_.erase(0, sizeof(length) + length);
    if (frame.empty()) continue;
    on_frame_(frame);
    if (!*alive || !fd_.valid()) return;
  }
}

void FrameChannel::Write() {
  while (!out_.empty()) {
    const ssize_t size = send(fd_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) break;
    if (size < 0) {
      // What the other side said before it went is still to be read: Read() finds the end.
      out_.clear();
      break;
    }
    out_.erase(0, static_cast<size_t>(size));
  }
  if (watching_writes_ == out_.empty()) {
    watching_writes_ = !out_.empty();
    loop_->Rewatch(fd_.get(), watching_writes_ ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }
}

void FrameChannel::Beat() {
  beat_timer_ = loop_->After(kBeatEvery, [this] { Beat(); });
  const absl::Duration silence = loop_->clock()->Boot() - heard_;
  if (silence > kGoneAfter) {
    return Closed(absl::StrCat("it has been silent for ", absl::ToInt64Seconds(silence), "s"));
  }
  Send("");
}

void FrameChannel::Closed(const std::string& why) {
  loop_->Cancel(beat_timer_);
  beat_timer_ = 0;
  loop_->Unwatch(fd_.get());
  fd_.reset();
  on_closed_(why);
}

}  // namespace muster
