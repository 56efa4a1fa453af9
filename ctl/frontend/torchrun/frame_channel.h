#ifndef MUSTER_CTL_FRONTEND_TORCHRUN_FRAME_CHANNEL_H_
#define MUSTER_CTL_FRONTEND_TORCHRUN_FRAME_CHANNEL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "common/base/event_loop.h"
#include "common/base/unique_fd.h"

namespace muster {

// Messages over one TCP connection, each behind its length (four bytes, network order). Tells the
// other side every few seconds that it lives, by an empty message, and takes a side that is silent
// for long for gone. On the loop's thread; either call may destroy it.
class FrameChannel {
 public:
  using OnFrame = std::function<void(absl::string_view bytes)>;
  using OnClosed = std::function<void(const std::string& why)>;

  // `fd` is connected. `loop` must outlive this object.
  FrameChannel(EventLoop* loop, UniqueFd fd, OnFrame on_frame, OnClosed on_closed);
  ~FrameChannel();
  FrameChannel(const FrameChannel&) = delete;
  FrameChannel& operator=(const FrameChannel&) = delete;

  void Send(absl::string_view bytes);
  // Whether all that was sent is in the kernel's hands.
  bool flushed() const { return out_.empty(); }
  // Whether the other side has said anything yet.
  bool heard_any() const { return heard_any_; }

 private:
  void OnReady(uint32_t events);
  void Read();
  void Write();
  void Beat();
  void Closed(const std::string& why);

  EventLoop* const loop_;
  UniqueFd fd_;
  const OnFrame on_frame_;
  const OnClosed on_closed_;
  std::string in_;
  std::string out_;
  bool watching_writes_ = false;
  absl::Duration heard_;  // Boot time of the last byte.
  bool heard_any_ = false;
  EventLoop::TimerId beat_timer_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // False once it is destroyed.
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_TORCHRUN_FRAME_CHANNEL_H_
