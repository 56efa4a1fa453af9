#include "scheduler/core/failure_history.h"

#include <csignal>

#include "common/job/exit_result.h"
#include "gtest/gtest.h"
#include "scheduler/core/job_state.h"

namespace muster {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1700000000);
constexpr absl::Duration kDay = absl::Hours(24);

// An attempt on two hosts, whose rank `rank` ran for `ran` and then failed first.
v1::Attempt* AddAttempt(v1::Job* job, int rank, absl::Duration ran) {
  v1::Attempt* const attempt = job->mutable_status()->add_attempts();
  *attempt->mutable_start_time() = ToTimestamp(kNow);
  *attempt->mutable_end_time() = ToTimestamp(kNow + absl::Minutes(5));
  for (int i = 0; i < 2; ++i) {
    v1::NodePlacement* const node = attempt->mutable_placement()->add_nodes();
    node->set_node_id(i == 0 ? "id-1" : "id-2");
    node->set_node_name(i == 0 ? "node-1" : "node-2");
    v1::RankStatus* const status = attempt->add_ranks();
    status->set_role("worker");
    status->set_rank(i);
    status->set_node_name(node->node_name());
    // The clock of its host is another one.
    *status->mutable_start_time() = ToTimestamp(kNow + absl::Hours(1));
    *status->mutable_end_time() = ToTimestamp(kNow + absl::Hours(1) + ran);
  }
  *attempt->mutable_first_cause() = MakeFirstCause(attempt->ranks(rank), attempt->ranks());
  *attempt->mutable_first_cause()->mutable_exit() = ExitedWith(3);
  attempt->set_fault_class(v1::FAULT_CLASS_PROGRAM);
  return attempt;
}

TEST(FailureHistoryTest, TakesAllFromTheRecord) {
  v1::Job job;
  AddAttempt(&job, 1, absl::Seconds(7));
  job.mutable_status()->add_attempts();  // Under way.

  const std::vector<Failure> history = FailuresOfJob(job);

  ASSERT_EQ(history.size(), 1U);
  EXPECT_EQ(history[0].fault, v1::FAULT_CLASS_PROGRAM);
  EXPECT_EQ(history[0].exit.code(), 3);
  EXPECT_EQ(history[0].ran, absl::Seconds(7));
  EXPECT_EQ(history[0].time, kNow + absl::Minutes(5));
  EXPECT_EQ(history[0].node_id, "id-2");
  EXPECT_EQ(history[0].node_name, "node-2");
  EXPECT_EQ(history[0].hosts, 2);
  EXPECT_TRUE(history[0].ranks_ran);
}

TEST(FailureHistoryTest, AttemptsOfEarlierVersionsGetTheirClass) {
  v1::Job job;
  AddAttempt(&job, 0, absl::Seconds(1))->clear_fault_class();
  v1::Attempt* const lost = AddAttempt(&job, 0, absl::Seconds(1));
  lost->clear_fault_class();
  lost->mutable_first_cause()->clear_exit();

  const std::vector<Failure> history = FailuresOfJob(job);

  EXPECT_EQ(history[0].fault, v1::FAULT_CLASS_PROGRAM);
  EXPECT_EQ(history[1].fault, v1::FAULT_CLASS_HOST);
}

TEST(FailureHistoryTest, WhatWasEndedOnPurposeIsNoFailure) {
  v1::Job job;
  AddAttempt(&job, 0, absl::Seconds(1))->set_planned_end(v1::PLANNED_END_DRAINED);
  EXPECT_EQ(FailuresOfJob(job)[0].fault, v1::FAULT_CLASS_UNSPECIFIED);
}

TEST(FailureHistoryTest, AHostIsAvoidedAfterRepeatedFailures) {
  v1::Job job;
  for (const int rank : {0, 1, 0}) AddAttempt(&job, rank, absl::Seconds(1));
  const std::vector<Failure> history = FailuresOfJob(job);

  const auto avoid = HostsToAvoid(history, 2, kDay, kNow);
  EXPECT_EQ(avoid, (std::map<std::string, std::string>{{"id-1", "node-1"}}));
  EXPECT_TRUE(HostsToAvoid(history, 3, kDay, kNow).empty());
  EXPECT_TRUE(HostsToAvoid(history, 2, kDay, kNow + 2 * kDay).empty()) << "it is forgotten";
}

TEST(FailureHistoryTest, NoHostIsToBlameForWhatAProgramAskedFor) {
  v1::Job job;
  for (int i = 0; i < 3; ++i) {
    AddAttempt(&job, 0, absl::Seconds(1))->set_fault_class(v1::FAULT_CLASS_ASKED);
  }
  EXPECT_TRUE(HostsToAvoid(FailuresOfJob(job), 2, kDay, kNow).empty());
}

v1::RankStatus FailedRank(int rank, int restarts) {
  v1::RankStatus status;
  status.set_role("worker");
  status.set_rank(rank);
  status.set_restarts(restarts);
  *status.mutable_exit() = KilledBy(SIGKILL);
  return status;
}

TEST(RankFailuresTest, EachLifeIsNotedOnce) {
  v1::Attempt attempt;
  for (const int restarts : {0, 0, 1, 1}) {
    NoteRankFailure(FailedRank(2, restarts), v1::FAULT_CLASS_KILLED, kNow, kDay, &attempt);
  }
  NoteRankFailure(FailedRank(3, 0), v1::FAULT_CLASS_KILLED, kNow, kDay, &attempt);
  EXPECT_EQ(FailuresOfRank(attempt, "worker", 2).size(), 2U);
  EXPECT_EQ(FailuresOfRank(attempt, "worker", 3).size(), 1U);
}

TEST(RankFailuresTest, OldOnesAreForgottenButNotTheLatest) {
  v1::Attempt attempt;
  for (int i = 0; i < 300; ++i) {
    NoteRankFailure(FailedRank(0, i), v1::FAULT_CLASS_KILLED, kNow + i * absl::Minutes(1),
                    absl::Minutes(10), &attempt);
  }
  const std::vector<Failure> history = FailuresOfRank(attempt, "worker", 0);
  EXPECT_EQ(history.size(), 100U);
  EXPECT_EQ(history.back().time, kNow + absl::Minutes(299));
}

// Adds a failed attempt at `time`, as the scheduler does, and its next one.
void AddBounded(const AttemptBounds& bounds, absl::Time time, absl::Duration ran, v1::Job* job) {
  const int number = job->status().attempts_size() + job->status().attempts_left_out();
  v1::Attempt* const attempt = AddAttempt(job, 0, ran);
  attempt->set_number(number);
  *attempt->mutable_end_time() = ToTimestamp(time);
  BoundAttempts(bounds, time, job);
}

TEST(BoundAttemptsTest, TheFirstAndTheLatestStayAndNothingThatCountsIsLost) {
  AttemptBounds bounds;
  bounds.memory = kDay;
  v1::Job bounded;
  bounded.mutable_spec()->mutable_restart()->mutable_window()->set_seconds(600);
  AttemptBounds none = bounds;
  none.latest = 1 << 20;
  none.max_bytes = size_t{1} << 40;
  v1::Job whole = bounded;
  for (int i = 0; i < 300; ++i) {
    for (const auto& [which, job] : {std::make_pair(&bounds, &bounded), {&none, &whole}}) {
      AddBounded(*which, kNow + i * absl::Minutes(1), absl::Seconds(i % 60), job);
    }
  }

  EXPECT_EQ(bounded.status().attempts_size(), 51);
  EXPECT_EQ(bounded.status().attempts_left_out(), 249);
  EXPECT_EQ(bounded.status().attempts(0).number(), 0);
  EXPECT_EQ(bounded.status().attempts(1).number(), 250);
  EXPECT_EQ(bounded.status().attempts(50).number(), 299);
  const std::vector<Failure> history = FailuresOfJob(bounded);
  const std::vector<Failure> expected = FailuresOfJob(whole);
  ASSERT_EQ(history.size(), expected.size());
  for (size_t i = 0; i < history.size(); ++i) {
    EXPECT_TRUE(SameFault(history[i], expected[i])) << i;
    EXPECT_EQ(history[i].time, expected[i].time) << i;
    EXPECT_EQ(history[i].ran, expected[i].ran) << i;
    EXPECT_EQ(history[i].node_id, expected[i].node_id) << i;
    EXPECT_EQ(history[i].hosts, expected[i].hosts) << i;
    EXPECT_EQ(history[i].ranks_ran, expected[i].ranks_ran) << i;
  }
}

TEST(BoundAttemptsTest, LargeAttemptsAreFewer) {
  AttemptBounds bounds;
  bounds.max_bytes = 10;
  v1::Job job;
  for (int i = 0; i < 10; ++i) AddBounded(bounds, kNow, absl::Seconds(1), &job);
  EXPECT_EQ(job.status().attempts_size(), 1 + bounds.least);
}

TEST(BoundAttemptsTest, FailuresAreForgottenWhenNoRuleCountsThem) {
  AttemptBounds bounds;
  bounds.memory = kDay;
  v1::Job job;
  job.mutable_spec()->mutable_restart()->mutable_window()->set_seconds(600);
  for (int i = 0; i < 5000; ++i) {  // Every hour; each tenth attempt is progress.
    AddBounded(bounds, kNow + i * absl::Hours(1), absl::Minutes(i % 10 == 0 ? 30 : 1), &job);
  }
  EXPECT_LE(job.status().past_failures_size(), 24);
  EXPECT_LT(job.ByteSizeLong(), size_t{100} << 10);
  bounds.failures = 3;
  AddBounded(bounds, kNow, absl::Seconds(1), &job);
  EXPECT_EQ(job.status().past_failures_size(), 3);
}

}  // namespace
}  // namespace muster
