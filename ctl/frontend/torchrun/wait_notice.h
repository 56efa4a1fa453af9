#ifndef MUSTER_CTL_FRONTEND_TORCHRUN_WAIT_NOTICE_H_
#define MUSTER_CTL_FRONTEND_TORCHRUN_WAIT_NOTICE_H_

#include <functional>
#include <string>

#include "absl/time/time.h"
#include "common/base/event_loop.h"

namespace muster {

// Tells the user what a start waits for: not before a moment has passed, at once when it changes,
// and again from time to time. On the loop's thread.
class WaitNotice {
 public:
  using Say = std::function<void(const std::string& line)>;

  // `loop` must outlive this object.
  WaitNotice(EventLoop* loop, Say say);
  ~WaitNotice();

  // `left`: until it gives up.
  void Set(const std::string& what, absl::Duration left);
  // The wait is over.
  void Clear();

 private:
  void Show();

  EventLoop* const loop_;
  const Say say_;
  std::string what_;   // Empty: nothing is waited for.
  std::string shown_;  // What stands on the user's screen.
  absl::Duration deadline_;
  EventLoop::TimerId timer_ = 0;
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_TORCHRUN_WAIT_NOTICE_H_
