#ifndef MUSTER_AGENT_TASK_TASK_STATE_H_
#define MUSTER_AGENT_TASK_TASK_STATE_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "muster/v1/task.pb.h"

namespace muster {

// The life of one rank on its host. Which events move it is the table in task_state.cc.
enum class TaskState { kReserved, kStarting, kRunning, kStopping, kExited, kLost, kUnknown };

enum class TaskEvent {
  kStart,        // The intent to start it is being written.
  kSpawned,      // The shim has started its process.
  kSpawnFailed,  // It never ran and never will.
  kStop,         // SIGTERM was, or is about to be, sent.
  kChildGone,    // Its process ended, and the exit is durable.
  kExitUnknown,  // Its process is gone, and nobody saw how it ended.
  kHostGone,     // The host rebooted under it.
  kRestart,      // It begins another life within the attempt (restart.scope: rank).
};

// The state after `event`. Returns nullopt when `event` means nothing in `from`: the caller logs it
// and stays where it is.
std::optional<TaskState> Next(TaskState from, TaskEvent event);

// Whether the rank has no process any more.
bool IsFinal(TaskState state);

v1::RankState ToProto(TaskState state);
absl::string_view Name(TaskState state);
absl::string_view Name(TaskEvent event);

}  // namespace muster

#endif  // MUSTER_AGENT_TASK_TASK_STATE_H_
