#include "agent/task/task_state.h"

#include "common/job/transition.h"

namespace muster {
namespace {

constexpr Transition<TaskState, TaskEvent> kSteps[] = {
    {TaskState::kReserved, TaskEvent::kStart, TaskState::kStarting},
    {TaskState::kReserved, TaskEvent::kStop, TaskState::kExited},
    {TaskState::kReserved, TaskEvent::kSpawnFailed, TaskState::kExited},
    {TaskState::kStarting, TaskEvent::kSpawned, TaskState::kRunning},
    {TaskState::kStarting, TaskEvent::kSpawnFailed, TaskState::kExited},
    {TaskState::kStarting, TaskEvent::kStop, TaskState::kStopping},
    {TaskState::kStarting, TaskEvent::kExitUnknown, TaskState::kUnknown},
    {TaskState::kStarting, TaskEvent::kHostGone, TaskState::kLost},
    {TaskState::kRunning, TaskEvent::kStop, TaskState::kStopping},
    {TaskState::kRunning, TaskEvent::kChildGone, TaskState::kExited},
    {TaskState::kRunning, TaskEvent::kExitUnknown, TaskState::kUnknown},
    {TaskState::kRunning, TaskEvent::kHostGone, TaskState::kLost},
    {TaskState::kStopping, TaskEvent::kSpawned, TaskState::kStopping},
    {TaskState::kStopping, TaskEvent::kStop, TaskState::kStopping},
    {TaskState::kStopping, TaskEvent::kSpawnFailed, TaskState::kExited},
    {TaskState::kStopping, TaskEvent::kChildGone, TaskState::kExited},
    {TaskState::kStopping, TaskEvent::kExitUnknown, TaskState::kUnknown},
    {TaskState::kStopping, TaskEvent::kHostGone, TaskState::kLost},
    {TaskState::kExited, TaskEvent::kRestart, TaskState::kStarting},
    {TaskState::kUnknown, TaskEvent::kRestart, TaskState::kStarting},
};

}  // namespace

std::optional<TaskState> Next(TaskState from, TaskEvent event) {
  return NextState(kSteps, from, event);
}

bool IsFinal(TaskState state) {
  return state == TaskState::kExited || state == TaskState::kLost || state == TaskState::kUnknown;
}

v1::RankState ToProto(TaskState state) {
  switch (state) {
    case TaskState::kReserved:
      return v1::RANK_STATE_RESERVED;
    case TaskState::kStarting:
      return v1::RANK_STATE_STARTING;
    case TaskState::kRunning:
      return v1::RANK_STATE_RUNNING;
    case TaskState::kStopping:
      return v1::RANK_STATE_STOPPING;
    case TaskState::kExited:
      return v1::RANK_STATE_EXITED;
    case TaskState::kLost:
      return v1::RANK_STATE_LOST;
    case TaskState::kUnknown:
      return v1::RANK_STATE_UNKNOWN;
  }
  return v1::RANK_STATE_UNSPECIFIED;
}

absl::string_view Name(TaskState state) {
  switch (state) {
    case TaskState::kReserved:
      return "RESERVED";
    case TaskState::kStarting:
      return "STARTING";
    case TaskState::kRunning:
      return "RUNNING";
    case TaskState::kStopping:
      return "STOPPING";
    case TaskState::kExited:
      return "EXITED";
    case TaskState::kLost:
      return "LOST";
    case TaskState::kUnknown:
      return "UNKNOWN";
  }
  return "?";
}

absl::string_view Name(TaskEvent event) {
  switch (event) {
    case TaskEvent::kStart:
      return "start";
    case TaskEvent::kSpawned:
      return "spawned";
    case TaskEvent::kSpawnFailed:
      return "spawn failed";
    case TaskEvent::kStop:
      return "stop";
    case TaskEvent::kChildGone:
      return "child gone";
    case TaskEvent::kExitUnknown:
      return "exit unknown";
    case TaskEvent::kHostGone:
      return "host gone";
    case TaskEvent::kRestart:
      return "restart";
  }
  return "?";
}

}  // namespace muster
