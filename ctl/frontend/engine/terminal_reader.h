#ifndef MUSTER_CTL_FRONTEND_ENGINE_TERMINAL_READER_H_
#define MUSTER_CTL_FRONTEND_ENGINE_TERMINAL_READER_H_

#include <sys/types.h>

#include <vector>

namespace muster {

// One thread that is blocked in read(2), at one time: after its next read it is another waiter.
struct TerminalWaiter {
  pid_t thread = 0;
  unsigned long switches = 0;  // How often it had gone to sleep.
  bool operator==(const TerminalWaiter& other) const {
    return thread == other.thread && switches == other.switches;
  }
};

struct TerminalWaiters {
  std::vector<TerminalWaiter> waiters;
  bool unknown = false;  // /proc does not tell.
};

// The threads of `processes` that wait in read(2) for the terminal with device number `terminal`.
TerminalWaiters FindTerminalWaiters(const std::vector<pid_t>& processes, dev_t terminal);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_ENGINE_TERMINAL_READER_H_
