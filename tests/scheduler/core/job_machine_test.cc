#include "scheduler/core/job_machine.h"

#include <deque>
#include <set>

#include "gtest/gtest.h"
#include "scheduler/core/job_state.h"

namespace muster {
namespace {

constexpr JobEvent kEvents[] = {
    JobEvent::kWait,    JobEvent::kPlace,   JobEvent::kRefuse, JobEvent::kReserve,
    JobEvent::kRun,     JobEvent::kSilence, JobEvent::kHear,   JobEvent::kStop,
    JobEvent::kSucceed, JobEvent::kRestart, JobEvent::kFail,   JobEvent::kCancelled,
};

std::set<v1::JobState> Reachable(v1::JobState from) {
  std::set<v1::JobState> seen = {from};
  std::deque<v1::JobState> left = {from};
  while (!left.empty()) {
    const v1::JobState state = left.front();
    left.pop_front();
    for (const JobEvent event : kEvents) {
      const std::optional<v1::JobState> next = NextJobState(state, event);
      if (next.has_value() && seen.insert(*next).second) left.push_back(*next);
    }
  }
  return seen;
}

TEST(JobMachineTest, FinalStatesAreFinal) {
  for (const v1::JobState state :
       {v1::JOB_STATE_SUCCEEDED, v1::JOB_STATE_FAILED, v1::JOB_STATE_CANCELLED}) {
    for (const JobEvent event : kEvents) EXPECT_FALSE(NextJobState(state, event).has_value());
  }
}

TEST(JobMachineTest, EveryStateIsReachedAndEveryOtherOneCanEndInEachWay) {
  const std::set<v1::JobState> all = Reachable(v1::JOB_STATE_SUBMITTED);
  EXPECT_EQ(all.size(), 10U);  // All but UNSPECIFIED and SUSPENDED.
  for (const v1::JobState state : all) {
    if (IsFinalState(state)) continue;
    const std::set<v1::JobState> ends = Reachable(state);
    EXPECT_EQ(ends.count(v1::JOB_STATE_FAILED), 1U) << JobStateName(state);
    EXPECT_EQ(ends.count(v1::JOB_STATE_CANCELLED), 1U) << JobStateName(state);
    EXPECT_EQ(ends.count(v1::JOB_STATE_SUCCEEDED), 1U) << JobStateName(state);
  }
}

TEST(JobMachineTest, NothingRunsWithoutAReservation) {
  EXPECT_FALSE(NextJobState(v1::JOB_STATE_QUEUED, JobEvent::kReserve).has_value());
  EXPECT_FALSE(NextJobState(v1::JOB_STATE_QUEUED, JobEvent::kRun).has_value());
  EXPECT_FALSE(NextJobState(v1::JOB_STATE_RESERVING, JobEvent::kRun).has_value());
}

TEST(JobMachineTest, ARunningJobIsCancelledThroughItsStop) {
  EXPECT_FALSE(NextJobState(v1::JOB_STATE_RUNNING, JobEvent::kCancelled).has_value());
  EXPECT_EQ(NextJobState(v1::JOB_STATE_RUNNING, JobEvent::kStop), v1::JOB_STATE_STOPPING);
  EXPECT_EQ(NextJobState(v1::JOB_STATE_STOPPING, JobEvent::kCancelled), v1::JOB_STATE_CANCELLED);
}

}  // namespace
}  // namespace muster
