// The small decisions: success, first cause.
#include <csignal>

#include "common/job/exit_result.h"
#include "gtest/gtest.h"
#include "scheduler/core/first_cause.h"
#include "scheduler/core/success_policy.h"

namespace muster {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1700000000);

v1::RankStatus* AddRank(v1::Attempt* attempt, const std::string& role, v1::RankState state,
                        const v1::ExitResult& exit = {}, int ended_at = 0) {
  v1::RankStatus* const rank = attempt->add_ranks();
  int number = -1;  // Counted among its own role.
  rank->set_role(role);
  for (const v1::RankStatus& other : attempt->ranks()) number += other.role() == role ? 1 : 0;
  rank->set_rank(number);
  rank->set_state(state);
  rank->set_node_name("node-1");
  if (state == v1::RANK_STATE_EXITED) {
    *rank->mutable_exit() = exit;
    rank->mutable_end_time()->set_seconds(ended_at);
    rank->set_end_boottime_ns(ended_at);
  }
  return rank;
}

TEST(SuccessPolicyTest, AllMeansEveryRank) {
  v1::JobSpec spec;
  v1::Attempt attempt;
  AddRank(&attempt, "worker", v1::RANK_STATE_EXITED, ExitedWith(0));
  AddRank(&attempt, "worker", v1::RANK_STATE_RUNNING);
  EXPECT_EQ(JudgeAttempt(spec, attempt.ranks()), Verdict::kGoOn);
  attempt.mutable_ranks(1)->set_state(v1::RANK_STATE_EXITED);
  *attempt.mutable_ranks(1)->mutable_exit() = ExitedWith(0);
  EXPECT_EQ(JudgeAttempt(spec, attempt.ranks()), Verdict::kEnded);
  EXPECT_TRUE(SuccessFulfilled(spec.success(), attempt.ranks()));
}

TEST(SuccessPolicyTest, AStoppedRankIsNoCause) {
  v1::JobSpec spec;
  v1::Attempt attempt;
  v1::ExitResult exit = KilledBy(SIGTERM);
  exit.set_stopped(true);
  AddRank(&attempt, "worker", v1::RANK_STATE_EXITED, exit);
  AddRank(&attempt, "worker", v1::RANK_STATE_RUNNING);
  EXPECT_EQ(JudgeAttempt(spec, attempt.ranks()), Verdict::kGoOn);
  EXPECT_FALSE(SuccessFulfilled(spec.success(), attempt.ranks()));
}

TEST(SuccessPolicyTest, ARankThatSaysZeroToItsStopHasNotSucceeded) {
  v1::JobSpec spec;
  v1::Attempt attempt;
  v1::ExitResult exit = ExitedWith(0);
  exit.set_stopped(true);
  AddRank(&attempt, "worker", v1::RANK_STATE_EXITED, ExitedWith(0));
  AddRank(&attempt, "worker", v1::RANK_STATE_EXITED, exit);
  EXPECT_FALSE(SuccessFulfilled(spec.success(), attempt.ranks()));
  spec.mutable_success()->set_rank(0);  // Then the others are stopped once it has succeeded.
  EXPECT_TRUE(SuccessFulfilled(spec.success(), attempt.ranks()));
}

TEST(SuccessPolicyTest, OneRankMayDecideAndTheOthersAreWaitedForOrStopped) {
  v1::JobSpec spec;
  spec.mutable_success()->set_rank(0);
  v1::Attempt attempt;
  AddRank(&attempt, "worker", v1::RANK_STATE_EXITED, ExitedWith(0));
  AddRank(&attempt, "worker", v1::RANK_STATE_RUNNING);
  EXPECT_EQ(JudgeAttempt(spec, attempt.ranks()), Verdict::kGoOn);
  spec.mutable_success()->set_clean_up(v1::CLEAN_UP_STOP);
  EXPECT_EQ(JudgeAttempt(spec, attempt.ranks()), Verdict::kCleanUp);
}

TEST(SuccessPolicyTest, AfterSuccessAFailureOfTheOthersDoesNotMatter) {
  v1::JobSpec spec;
  spec.mutable_success()->set_role("worker");
  v1::Attempt attempt;
  AddRank(&attempt, "worker", v1::RANK_STATE_EXITED, ExitedWith(0));
  AddRank(&attempt, "server", v1::RANK_STATE_EXITED, ExitedWith(1));
  AddRank(&attempt, "server", v1::RANK_STATE_RUNNING);
  EXPECT_EQ(JudgeAttempt(spec, attempt.ranks()), Verdict::kGoOn);
}

TEST(SuccessPolicyTest, ALostRankFails) {
  v1::JobSpec spec;
  v1::Attempt attempt;
  AddRank(&attempt, "worker", v1::RANK_STATE_LOST);
  EXPECT_EQ(JudgeAttempt(spec, attempt.ranks()), Verdict::kEnded);
  EXPECT_FALSE(SuccessFulfilled(spec.success(), attempt.ranks()));
}

TEST(FirstCauseTest, TheEarliestFailureIsTheCauseAndItsCodeTheJobs) {
  JobRecord record;
  v1::Attempt* const attempt = record.job.mutable_status()->add_attempts();
  AddRank(attempt, "worker", v1::RANK_STATE_EXITED, ExitedWith(1), 20);
  AddRank(attempt, "worker", v1::RANK_STATE_EXITED, KilledBy(SIGSEGV), 10);

  const v1::FirstCause cause = FindFirstCause(record, kNow);

  EXPECT_EQ(cause.rank(), 1);
  EXPECT_EQ(ExitCodeOf(record, cause), 128 + SIGSEGV);
}

TEST(FirstCauseTest, ATimeoutComesBeforeWhatItsRanksDid) {
  JobRecord record;
  record.stop_cause = StopCause::kRunTimeout;
  record.stop_reason = "ran longer than timeouts.run of 5s";
  AddRank(record.job.mutable_status()->add_attempts(), "worker", v1::RANK_STATE_EXITED,
          ExitedWith(1), 10);

  const v1::FirstCause cause = FindFirstCause(record, kNow);

  EXPECT_EQ(cause.reason(), record.stop_reason);
  EXPECT_EQ(ExitCodeOf(record, cause), kExitTimeout);
}

TEST(FirstCauseTest, AStartThatFailedIsBlamedOnTheOnlyHostThatDidNotStart) {
  JobRecord record;
  record.stop_cause = StopCause::kStartTimeout;
  record.stop_reason = "not started";
  v1::Attempt* const attempt = record.job.mutable_status()->add_attempts();
  AddRank(attempt, "worker", v1::RANK_STATE_RUNNING)->set_pid(7);
  AddRank(attempt, "worker", v1::RANK_STATE_STARTING)->set_node_name("node-2");
  EXPECT_EQ(FindFirstCause(record, kNow).node(), "node-2");
  AddRank(attempt, "worker", v1::RANK_STATE_STARTING)->set_node_name("node-3");
  EXPECT_EQ(FindFirstCause(record, kNow).node(), "");
}

TEST(FirstCauseTest, AFailureIsNeverExitCodeZero) {
  JobRecord record;
  record.job.mutable_status()->add_attempts();
  EXPECT_EQ(ExitCodeOf(record, FindFirstCause(record, kNow)), kExitFailed);
}

}  // namespace
}  // namespace muster
