#include "scheduler/core/attempt_ranks.h"

#include "common/job/exit_result.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

// One rank on one host, running since second 100.
v1::Attempt RunningAttempt() {
  v1::Placement placement;
  v1::RankPlacement* const rank = placement.add_nodes()->add_ranks();
  rank->set_role("worker");
  v1::JobSpec spec;
  spec.add_roles()->set_name("worker");
  v1::Attempt attempt = MakeAttempt(spec, 0, placement);
  attempt.mutable_ranks(0)->set_state(v1::RANK_STATE_RUNNING);
  attempt.mutable_ranks(0)->set_pid(7);
  attempt.mutable_ranks(0)->mutable_start_time()->set_seconds(100);
  return attempt;
}

// What an agent says that was restarted after the end: the exit is on record, the start is not.
v1::GangReport ExitFromJournal(int code) {
  v1::GangReport report;
  v1::RankStatus* const rank = report.add_ranks();
  rank->set_role("worker");
  rank->set_state(v1::RANK_STATE_EXITED);
  rank->mutable_exit()->set_code(code);
  report.set_finished(true);
  return report;
}

TEST(AttemptRanksTest, KeepsTheStartThatARestartedAgentNoLongerKnows) {
  v1::Attempt attempt = RunningAttempt();
  EXPECT_TRUE(ApplyReport(ExitFromJournal(3), 0, &attempt));
  EXPECT_EQ(attempt.ranks(0).exit().code(), 3);
  EXPECT_EQ(attempt.ranks(0).pid(), 7);
  EXPECT_EQ(attempt.ranks(0).start_time().seconds(), 100);
}

TEST(AttemptRanksTest, CountsARankWithAnExitAsStarted) {
  v1::Attempt attempt = RunningAttempt();
  attempt.mutable_ranks(0)->set_state(v1::RANK_STATE_STARTING);
  attempt.mutable_ranks(0)->set_pid(0);
  attempt.mutable_ranks(0)->clear_start_time();
  EXPECT_FALSE(AnyRankStarted(attempt));
  ApplyReport(ExitFromJournal(1), 0, &attempt);
  EXPECT_TRUE(AnyRankStarted(attempt));
}

TEST(AttemptRanksTest, CountsARankThatNeverRanAsNotStarted) {
  v1::Attempt attempt = RunningAttempt();
  attempt.mutable_ranks(0)->set_pid(0);
  attempt.mutable_ranks(0)->clear_start_time();
  v1::GangReport report = ExitFromJournal(0);
  report.mutable_ranks(0)->mutable_exit()->set_not_started("no such program");
  ApplyReport(report, 0, &attempt);
  EXPECT_FALSE(AnyRankStarted(attempt));
}

TEST(AttemptRanksTest, ARankOfWhomNobodyKnowsMayHaveRun) {
  v1::Attempt attempt = RunningAttempt();
  attempt.mutable_ranks(0)->set_state(v1::RANK_STATE_STARTING);
  attempt.mutable_ranks(0)->set_pid(0);
  attempt.mutable_ranks(0)->clear_start_time();
  v1::GangReport report = ExitFromJournal(0);
  report.mutable_ranks(0)->set_state(v1::RANK_STATE_UNKNOWN);
  *report.mutable_ranks(0)->mutable_exit() = UnknownExit("its msshim did not record its start");
  ApplyReport(report, 0, &attempt);
  EXPECT_TRUE(AnyRankStarted(attempt));
}

TEST(AttemptRanksTest, ALateExitReplacesWhatWasOnlyBelieved) {
  v1::Attempt attempt = RunningAttempt();
  EndRanks(0, v1::RANK_STATE_LOST, UnknownExit("its host was lost"), absl::FromUnixSeconds(200),
           &attempt);

  EXPECT_TRUE(ApplyLateExits(ExitFromJournal(3), 0, &attempt));
  EXPECT_EQ(attempt.ranks(0).state(), v1::RANK_STATE_EXITED);
  EXPECT_EQ(attempt.ranks(0).exit().code(), 3);
  EXPECT_EQ(attempt.ranks(0).start_time().seconds(), 100);
  EXPECT_FALSE(ApplyLateExits(ExitFromJournal(4), 0, &attempt)) << "it is known now";
  EXPECT_EQ(attempt.ranks(0).exit().code(), 3);
}

TEST(AttemptRanksTest, ALateReportBringsNothingBackToLife) {
  v1::Attempt attempt = RunningAttempt();
  EndRanks(0, v1::RANK_STATE_LOST, UnknownExit("its host was lost"), absl::FromUnixSeconds(200),
           &attempt);
  v1::GangReport report = ExitFromJournal(0);
  report.mutable_ranks(0)->set_state(v1::RANK_STATE_RUNNING);
  report.mutable_ranks(0)->set_restarts(1);
  report.mutable_ranks(0)->clear_exit();

  EXPECT_FALSE(ApplyLateExits(report, 0, &attempt));
  EXPECT_EQ(attempt.ranks(0).state(), v1::RANK_STATE_LOST);
}

}  // namespace
}  // namespace muster
