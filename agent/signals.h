#ifndef MUSTER_AGENT_SIGNALS_H_
#define MUSTER_AGENT_SIGNALS_H_

#include <functional>

#include "common/base/event_loop.h"
#include "common/base/unique_fd.h"

namespace muster {

// Blocks the signals that ask a daemon to end, and SIGCHLD (see OrphanReaper), for this thread and
// all that it makes from here on: call it before any thread is made. A broken pipe becomes an error
// of write(2).
void BlockSignals();

// Hands those signals to the loop, by signalfd. Lives on the loop.
class StopSignals {
 public:
  // `on_stop` gets the signal's number, each time. `loop` must outlive this object.
  StopSignals(EventLoop* loop, std::function<void(int)> on_stop);
  ~StopSignals();

 private:
  EventLoop* const loop_;
  const UniqueFd fd_;
  const std::function<void(int)> on_stop_;
};

}  // namespace muster

#endif  // MUSTER_AGENT_SIGNALS_H_
