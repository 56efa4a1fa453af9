#ifndef MUSTER_CTL_FRONTEND_ENGINE_STDIN_RELAY_H_
#define MUSTER_CTL_FRONTEND_ENGINE_STDIN_RELAY_H_

#include <sys/types.h>

#include <memory>

#include "absl/status/statusor.h"
#include "common/base/event_loop.h"

namespace muster {

// Shares the launcher's terminal among its ranks, for debuggers: each rank has a terminal of its
// own as stdin (without echo), and each typed line goes to one rank that waits in read(2) on it, in
// turn, in the order of Add(). A line that nobody waits for is held until somebody does. End of
// file (Ctrl-D at the start of a line) goes to one rank in the same way. On the loop's thread.
//
// Who waits is read from /proc/PID/task/TID/syscall of a rank's processes; where that may not be
// read, lines go to the living ranks in turn.
class StdinRelay {
 public:
  // nullptr where stdin is no terminal: a file, a pipe or /dev/null is inherited as it is.
  static absl::StatusOr<std::unique_ptr<StdinRelay>> CreateForTerminal(EventLoop* loop);
  // Of another terminal than stdin, for tests. `terminal` must outlive the relay.
  static std::unique_ptr<StdinRelay> Create(EventLoop* loop, int terminal);
  virtual ~StdinRelay() = default;

  // A stdin for the next rank, to be handed to ProcessSet::Start(); the relay closes it there.
  virtual absl::StatusOr<int> Add() = 0;
  // That the rank whose stdin was the `nth` Add() is process `pid` now.
  virtual void Started(int nth, pid_t pid) = 0;
  // A rank wrote something, a prompt maybe: a line that is held is tried again at once.
  virtual void Nudge() = 0;
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_ENGINE_STDIN_RELAY_H_
