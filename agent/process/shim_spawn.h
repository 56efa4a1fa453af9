#ifndef MUSTER_AGENT_PROCESS_SHIM_SPAWN_H_
#define MUSTER_AGENT_PROCESS_SHIM_SPAWN_H_

#include <sys/types.h>

#include <string>

#include "absl/status/statusor.h"

namespace muster {

// Which msshim, for which gang.
struct ShimCommand {
  std::string program;
  std::string gang_dir;
  // The v2 leaf that it lives in, apart from the agent's processes and from the ranks; empty: the
  // agent's own.
  std::string cgroup;
};

// Starts the program in a session of its own, with no descriptor but `agent_fd`, as its --fd, and
// without our environment. Where it may not be born in its cgroup it lives in the agent's.
absl::StatusOr<pid_t> SpawnShim(const ShimCommand& command, int agent_fd, bool takeover);

}  // namespace muster

#endif  // MUSTER_AGENT_PROCESS_SHIM_SPAWN_H_
