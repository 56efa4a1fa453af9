#include "agent/task/task_state.h"

#include <vector>

#include "gtest/gtest.h"

namespace muster {
namespace {

constexpr TaskState kStates[] = {TaskState::kReserved, TaskState::kStarting, TaskState::kRunning,
                                 TaskState::kStopping, TaskState::kExited,   TaskState::kLost,
                                 TaskState::kUnknown};
constexpr TaskEvent kEvents[] = {
    TaskEvent::kStart,     TaskEvent::kSpawned,     TaskEvent::kSpawnFailed, TaskEvent::kStop,
    TaskEvent::kChildGone, TaskEvent::kExitUnknown, TaskEvent::kHostGone,    TaskEvent::kRestart};

TEST(TaskStateTest, ARankThatRunsThroughPassesEveryState) {
  TaskState state = TaskState::kReserved;
  for (const auto& [event, to] :
       std::vector<std::pair<TaskEvent, TaskState>>{{TaskEvent::kStart, TaskState::kStarting},
                                                    {TaskEvent::kSpawned, TaskState::kRunning},
                                                    {TaskEvent::kStop, TaskState::kStopping},
                                                    {TaskEvent::kChildGone, TaskState::kExited}}) {
    ASSERT_EQ(Next(state, event), to) << Name(state) << " " << Name(event);
    state = to;
  }
}

TEST(TaskStateTest, AnEndedRankMovesOnlyByARestart) {
  for (TaskState state : kStates) {
    if (!IsFinal(state)) continue;
    for (TaskEvent event : kEvents) {
      if (event == TaskEvent::kRestart) continue;
      EXPECT_EQ(Next(state, event), std::nullopt) << Name(state) << " " << Name(event);
    }
  }
}

TEST(TaskStateTest, ALostRankDoesNotRestart) {
  EXPECT_EQ(Next(TaskState::kLost, TaskEvent::kRestart), std::nullopt);
}

TEST(TaskStateTest, EveryLivingStateCanEndByEveryKindOfEnd) {
  for (TaskState state : {TaskState::kRunning, TaskState::kStopping}) {
    EXPECT_EQ(Next(state, TaskEvent::kChildGone), TaskState::kExited);
    EXPECT_EQ(Next(state, TaskEvent::kExitUnknown), TaskState::kUnknown);
    EXPECT_EQ(Next(state, TaskEvent::kHostGone), TaskState::kLost);
  }
}

TEST(TaskStateTest, AStopDuringTheStartOutlastsTheStart) {
  EXPECT_EQ(Next(TaskState::kStarting, TaskEvent::kStop), TaskState::kStopping);
  EXPECT_EQ(Next(TaskState::kStopping, TaskEvent::kSpawned), TaskState::kStopping);
}

TEST(TaskStateTest, EveryStateAndEventHasAName) {
  for (TaskState state : kStates) {
    EXPECT_NE(Name(state), "?");
    EXPECT_NE(ToProto(state), v1::RANK_STATE_UNSPECIFIED);
  }
  for (TaskEvent event : kEvents) EXPECT_NE(Name(event), "?");
}

}  // namespace
}  // namespace muster
