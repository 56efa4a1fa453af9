// The restart ladder through the whole scheduler: budgets, hosts to avoid, and when it gives up.
#include <csignal>

#include "common/job/exit_result.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cluster/cluster.h"

namespace muster {
namespace {

using ::testing::HasSubstr;

int LastAttempt(const v1::Job& job) { return job.status().attempts().rbegin()->number(); }

std::string HostOf(const v1::Job& job, int rank) {
  return job.status().attempts().rbegin()->ranks(rank).node_name();
}

v1::FaultClass FaultOf(const v1::Job& job, int attempt) {
  return job.status().attempts(attempt).fault_class();
}

// Ends the first rank of the current attempt and waits until the next one has just begun.
void FailOnce(Cluster* cluster, const std::string& id, const v1::ExitResult& exit) {
  const v1::Job job = cluster->Get(id);
  ASSERT_EQ(job.status().state(), v1::JOB_STATE_RUNNING);
  cluster->node(HostOf(job, 0))->Exit({id, LastAttempt(job)}, "worker", 0, exit);
  cluster->Settle();
  for (int i = 0; i < 200 && cluster->State(id) == v1::JOB_STATE_QUEUED; ++i) {
    cluster->Advance(absl::Milliseconds(500));
  }
}

TEST(LadderTest, ALostHostDoesNotEatTheProgramsBudget) {
  Cluster cluster;
  cluster.AddFencedNode("node-1", 1);
  FakeAgent* const two = cluster.AddFencedNode("node-2", 1);
  cluster.AddFencedNode("node-3", 1);
  const std::string id = cluster.Submit(MakeRestartingSpec(2, 1));

  two->Disconnect();
  cluster.Advance(kFencedAfter + absl::Seconds(3));
  FailOnce(&cluster, id, KilledBy(SIGKILL));

  v1::Job job = cluster.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(job.status().restarts(), 2);
  EXPECT_EQ(FaultOf(job, 0), v1::FAULT_CLASS_HOST);
  EXPECT_EQ(FaultOf(job, 1), v1::FAULT_CLASS_KILLED);

  FailOnce(&cluster, id, KilledBy(SIGKILL));
  job = cluster.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(job.status().reason(), "rank 0 on node-1: killed by SIGKILL");
  EXPECT_EQ(job.status().gave_up(),
            "the only restart within 10m is used up (restart.max_restarts)");
}

TEST(LadderTest, AJobWithoutRestartsEndsWithItsHost) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddFencedNode("node-1", 1);
  cluster.AddFencedNode("node-2", 1);
  const std::string id = cluster.Submit(MakeRestartingSpec(1, 0));

  one->Disconnect();
  cluster.Advance(kFencedAfter + absl::Seconds(3));

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_FAILED);
  EXPECT_EQ(cluster.Get(id).status().gave_up(), "");
}

TEST(LadderTest, AFastLeaveAndRejoinDoesNotEvadeTheBudget) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  v1::JobSpec spec = MakeRestartingSpec(1, 1);
  spec.mutable_restart()->set_max_host_restarts(2);
  const std::string id = cluster.Submit(spec);

  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING) << i;
    node->Restart(/*loses_gangs=*/true);
    ASSERT_TRUE(node->Connect(cluster.scheduler()).ok());
    cluster.Advance(absl::Seconds(20));
  }

  const v1::Job job = cluster.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_FAILED);
  EXPECT_THAT(job.status().gave_up(), HasSubstr("restart.max_host_restarts"));
}

TEST(LadderTest, AJobMovesAwayFromAHostThatFailsAgainAndAgain) {
  Cluster cluster;
  cluster.AddNode("node-1", 1);
  cluster.AddNode("node-2", 1);
  const std::string id = cluster.Submit(MakeRestartingSpec(1, 10));

  FailOnce(&cluster, id, KilledBy(SIGKILL));
  EXPECT_EQ(HostOf(cluster.Get(id), 0), "node-1") << "the same host first";
  FailOnce(&cluster, id, KilledBy(SIGKILL));
  EXPECT_EQ(HostOf(cluster.Get(id), 0), "node-2");
  FailOnce(&cluster, id, KilledBy(SIGKILL));
  FailOnce(&cluster, id, KilledBy(SIGKILL));

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING) << "where all hosts are bad, any will do";
}

TEST(LadderTest, ABadHostIsTakenWhereThereIsNoOther) {
  Cluster cluster;
  cluster.AddNode("node-1", 1);
  const std::string id = cluster.Submit(MakeRestartingSpec(1, 10));
  for (int i = 0; i < 4; ++i) FailOnce(&cluster, id, KilledBy(SIGKILL));
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
}

TEST(LadderTest, AnElasticJobGoesOnWithoutABadHost) {
  Cluster cluster;
  cluster.AddNode("node-1", 1);
  cluster.AddNode("node-2", 1);
  v1::JobSpec spec = MakeRestartingSpec(2, 10);
  spec.mutable_nodes()->set_min(1);
  const std::string id = cluster.Submit(spec);
  const std::string bad = HostOf(cluster.Get(id), 0);

  FailOnce(&cluster, id, KilledBy(SIGKILL));
  FailOnce(&cluster, id, KilledBy(SIGKILL));
  cluster.Advance(absl::Minutes(2));

  const v1::Job job = cluster.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_RUNNING);
  ASSERT_EQ(job.status().attempts().rbegin()->placement().nodes_size(), 1);
  EXPECT_NE(HostOf(job, 0), bad);
}

TEST(LadderTest, WithoutRoomItWaitsInTheQueueAndSaysForWhat) {
  Cluster cluster;
  cluster.AddFencedNode("node-1", 1);
  FakeAgent* const two = cluster.AddFencedNode("node-2", 1);
  const std::string id = cluster.Submit(MakeRestartingSpec(2, 1));

  two->Disconnect();
  cluster.Advance(kFencedAfter + absl::Minutes(1));
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_QUEUED);
  EXPECT_NE(cluster.Get(id).status().reason(), "");
  ASSERT_TRUE(two->Connect(cluster.scheduler()).ok());
  cluster.Advance(absl::Seconds(2));

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
}

TEST(LadderTest, TheSameErrorAtOnceIsNotTriedBlindly) {
  Cluster cluster;
  cluster.AddNode("node-1", 1);
  const std::string id = cluster.Submit(MakeRestartingSpec(1, 50));

  FailOnce(&cluster, id, ExitedWith(2));
  FailOnce(&cluster, id, ExitedWith(2));

  const v1::Job job = cluster.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(job.status().exit_code(), 2);
  EXPECT_EQ(job.status().attempts_size(), 2);
  EXPECT_EQ(job.status().gave_up(),
            "the same error at once in 2 attempts in a row would come again");
}

TEST(LadderTest, ACodeThatForbidsItEndsTheJob) {
  Cluster cluster;
  cluster.AddNode("node-1", 1);
  v1::JobSpec spec = MakeRestartingSpec(1, 50);
  spec.mutable_restart()->add_never_on(93);
  const std::string id = cluster.Submit(spec);

  FailOnce(&cluster, id, ExitedWith(93));

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_FAILED);
  EXPECT_EQ(cluster.Get(id).status().gave_up(), "exit code 93 is in restart.never_on");
}

TEST(LadderTest, PaddlesCodesAskForARestartThatCostsNothingAndHasABound) {
  Cluster cluster;
  cluster.AddNode("node-1", 1);
  v1::JobSpec spec = MakeRestartingSpec(1, 1);
  spec.set_contract("paddle_collective");
  const std::string id = cluster.Submit(spec);

  for (int i = 0; i < 5; ++i) FailOnce(&cluster, id, ExitedWith(i % 2 == 0 ? 101 : 102));
  EXPECT_EQ(FaultOf(cluster.Get(id), 0), v1::FAULT_CLASS_ASKED);
  FailOnce(&cluster, id, KilledBy(SIGKILL));
  for (int i = 0; i < 6; ++i) {  // The sixth is the eleventh: the kill was no progress.
    ASSERT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING) << i;
    cluster.Advance(absl::Minutes(2));
    FailOnce(&cluster, id, ExitedWith(101));
  }

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_FAILED);
  EXPECT_THAT(cluster.Get(id).status().gave_up(), HasSubstr("no progress"));
}

TEST(LadderTest, WithoutRestartsPaddlesCodesAreCodesAsAnyOther) {
  Cluster cluster;
  cluster.AddNode("node-1", 1);
  v1::JobSpec spec = MakeRestartingSpec(1, 0);
  spec.set_contract("paddle_collective");
  const std::string id = cluster.Submit(spec);
  FailOnce(&cluster, id, ExitedWith(101));
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_FAILED);
  EXPECT_EQ(cluster.Get(id).status().exit_code(), 101);
}

TEST(LadderTest, ANewSchedulerKeepsCounting) {
  Cluster cluster;
  cluster.AddNode("node-1", 1);
  cluster.AddNode("node-2", 1);
  const std::string id = cluster.Submit(MakeRestartingSpec(1, 2));

  for (int i = 0; i < 2; ++i) {
    FailOnce(&cluster, id, KilledBy(SIGKILL));
    ASSERT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
    cluster.RestartScheduler(/*reconnect=*/true);
  }
  EXPECT_EQ(HostOf(cluster.Get(id), 0), "node-2") << "which host has failed is known, too";
  FailOnce(&cluster, id, KilledBy(SIGKILL));

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_FAILED);
  EXPECT_EQ(cluster.Get(id).status().restarts(), 2);
}

TEST(LadderTest, ANewSchedulerDuringTheBackOffStillAvoidsTheHost) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddNode("node-1", 1);
  cluster.AddNode("node-2", 1);
  const std::string id = cluster.Submit(MakeRestartingSpec(1, 5));
  FailOnce(&cluster, id, KilledBy(SIGKILL));
  one->Exit({id, 1}, "worker", 0, KilledBy(SIGKILL));
  cluster.Settle();
  ASSERT_EQ(cluster.State(id), v1::JOB_STATE_QUEUED);
  EXPECT_THAT(cluster.Get(id).status().reason(), HasSubstr("on other hosts than node-1"));

  cluster.RestartScheduler(/*reconnect=*/true);
  cluster.Advance(absl::Seconds(20));

  EXPECT_EQ(HostOf(cluster.Get(id), 0), "node-2");
}

v1::JobSpec RestartingRanks(int nodes, int max_restarts) {
  v1::JobSpec spec = MakeRestartingSpec(nodes, max_restarts);
  spec.mutable_restart()->set_scope(v1::RESTART_SCOPE_RANK);
  return spec;
}

TEST(LadderTest, RestartsOfARankAreCountedOverTheDeathOfTheScheduler) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 2);
  v1::JobSpec spec = RestartingRanks(1, 2);
  spec.set_ranks_per_node(2);
  const std::string id = cluster.Submit(spec);

  for (int i = 0; i < 2; ++i) {
    node->Exit({id, 0}, "worker", 0, KilledBy(SIGKILL));
    cluster.Settle();
    cluster.RestartScheduler(/*reconnect=*/true);  // While it backs off.
    cluster.Advance(absl::Seconds(20));
    ASSERT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING) << i;
    ASSERT_EQ(cluster.Get(id).status().attempts(0).ranks(0).restarts(), i + 1);
  }
  EXPECT_EQ(cluster.Get(id).status().attempts(0).rank_failures_size(), 2);
  node->Exit({id, 0}, "worker", 0, KilledBy(SIGKILL));
  cluster.Settle();

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_FAILED);
  EXPECT_EQ(cluster.Get(id).status().gave_up(),
            "all 2 restarts within 10m are used up (restart.max_restarts)");
}

TEST(LadderTest, ALostHostStartsTheGangAgainThoughRanksRestartAlone) {
  Cluster cluster;
  cluster.AddFencedNode("node-1", 1);
  FakeAgent* const two = cluster.AddFencedNode("node-2", 1);
  cluster.AddFencedNode("node-3", 1);
  const std::string id = cluster.Submit(RestartingRanks(2, 1));

  two->Disconnect();
  cluster.Advance(kFencedAfter + absl::Seconds(3));

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster.Get(id).status().attempts_size(), 2);
}

TEST(LadderTest, ARankMayForbidItsRestart) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  v1::JobSpec spec = RestartingRanks(1, 5);
  spec.mutable_restart()->add_never_on(93);
  const std::string id = cluster.Submit(spec);

  node->Exit({id, 0}, "worker", 0, ExitedWith(93));
  cluster.Settle();

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_FAILED);
  EXPECT_EQ(cluster.Get(id).status().gave_up(), "exit code 93 is in restart.never_on");
}

TEST(LadderTest, AJobOfManyRestartsIsCountedThoughItsRecordIsBounded) {
  Cluster cluster;
  cluster.AddNode("node-1", 1);
  const std::string id = cluster.Submit(MakeRestartingSpec(1, 80));
  for (int i = 0; i < 80; ++i) {
    FailOnce(&cluster, id, KilledBy(SIGKILL));
    ASSERT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING) << i;
    if (i % 20 == 19) cluster.RestartScheduler(/*reconnect=*/true);
  }
  v1::Job job = cluster.Get(id);
  EXPECT_EQ(job.status().attempts_size() + job.status().attempts_left_out(), 81);
  EXPECT_LE(job.status().attempts_size(), 52);
  EXPECT_EQ(LastAttempt(job), 80);

  FailOnce(&cluster, id, KilledBy(SIGKILL));
  job = cluster.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(job.status().restarts(), 80);
  EXPECT_THAT(job.status().gave_up(), HasSubstr("no progress: 81 attempts in a row"));
}

}  // namespace
}  // namespace muster
