#ifndef MUSTER_AGENT_PROCESS_SHIM_PROCESS_H_
#define MUSTER_AGENT_PROCESS_SHIM_PROCESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "agent/process/shim_spawn.h"
#include "common/base/event_loop.h"
#include "common/base/unique_fd.h"

namespace muster {

// One that runs.
struct ShimProcess {
  UniqueFd socket;  // A connection to it.
  UniqueFd pidfd;   // Itself; none where the kernel gives none.
};

// Starts an msshim (see SpawnShim) with one end of a socket pair, whose other end this returns: a
// connection without waiting. `loop` reaps the shim when it ends, whoever may have lost interest in
// it by then.
absl::StatusOr<ShimProcess> StartShim(const ShimCommand& command, bool takeover, EventLoop* loop);

// Connects to the living shim of `gang_dir`; waits for one that holds the lock but does not listen
// yet, at most 1 s. UNAVAILABLE: the lock is free, there is none.
absl::StatusOr<ShimProcess> ConnectToShim(const std::string& gang_dir);

// Who listens at the other end of a connection to the socket of a gang.
UniqueFd ListenerOf(int connection);

}  // namespace muster

#endif  // MUSTER_AGENT_PROCESS_SHIM_PROCESS_H_
