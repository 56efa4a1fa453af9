#ifndef MUSTER_CTL_CMD_SIGNALS_H_
#define MUSTER_CTL_CMD_SIGNALS_H_

#include <functional>

#include "common/base/event_loop.h"
#include "common/base/unique_fd.h"

namespace muster {

// SIGINT, SIGTERM and SIGHUP as events of the loop, and as a descriptor that breaks a blocked
// write. Made before any thread: the others inherit the mask.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  int fd() const { return fd_.get(); }
  // `on_signal` comes on the loop; `loop` must outlive this object.
  void Watch(EventLoop* loop, std::function<void(int signal)> on_signal);

 private:
  UniqueFd fd_;
  EventLoop* loop_ = nullptr;
};

}  // namespace muster

#endif  // MUSTER_CTL_CMD_SIGNALS_H_
