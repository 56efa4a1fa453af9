// A job's way through the states, with agents that do what they are told.
#include <csignal>

#include "common/job/exit_result.h"
#include "common/rpc/error_details.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cluster/cluster.h"

namespace muster {
namespace {

using ::testing::HasSubstr;

TEST(LifecycleTest, RunsAndSucceeds) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddNode("node-1", 4);
  FakeAgent* const two = cluster.AddNode("node-2", 4);

  const std::string id = cluster.Submit(MakeSpec(2, 4));

  ASSERT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(one->StartOf({id, 0}).placement().nodes_size(), 2);
  one->ExitAll({id, 0}, ExitedWith(0));
  cluster.Settle();
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
  two->ExitAll({id, 0}, ExitedWith(0));
  cluster.Settle();
  const v1::Job job = cluster.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(job.status().exit_code(), 0);
  EXPECT_EQ(job.status().owner(), "tester");
  EXPECT_EQ(job.status().attempts(0).ranks_size(), 8);
  EXPECT_TRUE(job.status().attempts(0).has_end_time());
}

TEST(LifecycleTest, RolesOnHostsOfTheirOwnGetTheNodesThatFitThem) {
  Cluster cluster;
  cluster.AddNode("a", 2);
  cluster.AddNode("b", 2);
  cluster.AddNode("c", 0);
  v1::JobSpec spec = MakeSpec(3, 1);
  spec.set_contract("paddle_ps");
  spec.clear_ranks_per_node();
  const v1::DeviceRequest devices = spec.devices_per_rank();
  spec.clear_devices_per_rank();
  spec.clear_roles();
  v1::RoleSpec* const server = spec.add_roles();
  server->set_name("server");
  server->set_node_ranks("0");
  v1::RoleSpec* const trainer = spec.add_roles();
  trainer->set_name("trainer");
  trainer->set_per_node(2);
  trainer->set_node_ranks("1-2");
  *trainer->mutable_devices_per_rank() = devices;

  const std::string id = cluster.Submit(spec);

  ASSERT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING) << cluster.Get(id).status().reason();
  const v1::Attempt attempt = cluster.Get(id).status().attempts(0);
  ASSERT_EQ(attempt.ranks_size(), 5);
  EXPECT_EQ(attempt.ranks(0).node_name(), "c");
  EXPECT_EQ(attempt.ranks(1).node_name(), "a");
  EXPECT_EQ(attempt.ranks(4).node_name(), "b");
}

TEST(LifecycleTest, FailureStopsTheGangEverywhereAndNamesTheFirstCause) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddNode("node-1", 4);
  FakeAgent* const two = cluster.AddNode("node-2", 4);
  const std::string id = cluster.Submit(MakeSpec(2, 2));

  one->Exit({id, 0}, "worker", 1, ExitedWith(3));
  cluster.Settle();

  const v1::Job job = cluster.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(job.status().exit_code(), 3);
  const v1::FirstCause& cause = job.status().attempts(0).first_cause();
  EXPECT_EQ(cause.rank(), 1);
  EXPECT_EQ(cause.fallout(), 3);
  EXPECT_EQ(cause.summary(), "rank 1 on node-1: exited with code 3");
  EXPECT_EQ(two->CountAsked("stop"), 1);
}

TEST(LifecycleTest, RestartsAfterAFailureAndKeepsTheFirstCauseOfEachAttempt) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 4);
  v1::JobSpec spec = MakeRestartingSpec(1, 1);
  spec.set_ranks_per_node(4);
  const std::string id = cluster.Submit(spec);

  node->Exit({id, 0}, "worker", 2, KilledBy(SIGKILL));
  cluster.Settle();
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_QUEUED);
  cluster.Advance(absl::Seconds(2));
  ASSERT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
  node->ExitAll({id, 1}, ExitedWith(0));
  cluster.Settle();

  const v1::Job job = cluster.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(job.status().restarts(), 1);
  EXPECT_EQ(job.status().attempts(0).first_cause().summary(),
            "rank 2 on node-1: killed by SIGKILL");
  EXPECT_FALSE(job.status().attempts(1).has_first_cause());
}

TEST(LifecycleTest, FailsForGoodWhenTheBudgetIsUsedUp) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  const std::string id = cluster.Submit(MakeRestartingSpec(1, 1));

  node->ExitAll({id, 0}, KilledBy(SIGKILL));
  cluster.Advance(absl::Seconds(2));
  node->ExitAll({id, 1}, KilledBy(SIGKILL));
  cluster.Settle();

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_FAILED);
  EXPECT_EQ(cluster.Get(id).status().exit_code(), 137);
}

TEST(LifecycleTest, AMissingProgramIsNotTriedAgain) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  v1::JobSpec spec = MakeRestartingSpec(1, 5);
  node->run_at_once = false;
  const std::string id = cluster.Submit(spec);

  node->ExitAll({id, 0}, NotStarted("/bin/nope: No such file or directory"));
  cluster.Settle();

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_FAILED);
  EXPECT_EQ(cluster.Get(id).status().exit_code(), 127);
  EXPECT_THAT(cluster.Get(id).status().reason(), HasSubstr("/bin/nope"));
}

TEST(LifecycleTest, RestartScopeRankStartsOnlyThatRank) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 2);
  v1::JobSpec spec = MakeRestartingSpec(1, 1);
  spec.set_ranks_per_node(2);
  spec.mutable_restart()->set_scope(v1::RESTART_SCOPE_RANK);
  const std::string id = cluster.Submit(spec);

  node->Exit({id, 0}, "worker", 1, ExitedWith(1));
  cluster.Advance(absl::Seconds(2));
  v1::Job job = cluster.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_RUNNING);
  ASSERT_EQ(job.status().attempts_size(), 1);
  EXPECT_EQ(job.status().attempts(0).ranks(1).restarts(), 1);
  EXPECT_EQ(job.status().attempts(0).ranks(0).restarts(), 0);

  node->Exit({id, 0}, "worker", 1, ExitedWith(7));
  cluster.Settle();
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_FAILED);
  EXPECT_EQ(cluster.Get(id).status().exit_code(), 7);
}

TEST(LifecycleTest, AnExhaustedRankDoesNotKeepOthersFromTheirRestarts) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 3);
  v1::JobSpec spec = MakeRestartingSpec(1, 1);
  spec.set_ranks_per_node(3);
  spec.mutable_restart()->set_scope(v1::RESTART_SCOPE_RANK);
  spec.set_on_failure(v1::FAILURE_ACTION_CONTINUE);
  const std::string id = cluster.Submit(spec);
  for (int i = 0; i < 2; ++i) {
    node->Exit({id, 0}, "worker", 0, ExitedWith(1));
    cluster.Advance(absl::Seconds(2));
  }
  ASSERT_EQ(node->CountAsked("restart"), 1);

  node->Exit({id, 0}, "worker", 1, ExitedWith(1));
  cluster.Advance(absl::Seconds(2));

  const v1::Job job = cluster.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(job.status().attempts(0).ranks(0).state(), v1::RANK_STATE_EXITED);
  EXPECT_EQ(job.status().attempts(0).ranks(1).restarts(), 1);
  EXPECT_EQ(node->CountAsked("restart"), 2);
}

TEST(LifecycleTest, SuccessOfOneRoleStopsTheOthers) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 0);
  v1::JobSpec spec = MakeSpec(1, 0, 0);
  spec.clear_ranks_per_node();
  for (const char* name : {"worker", "server"}) {
    v1::RoleSpec* const role = spec.add_roles();
    role->set_name(name);
    role->set_count(2);
  }
  spec.mutable_success()->set_role("worker");
  spec.mutable_success()->set_clean_up(v1::CLEAN_UP_STOP);
  const std::string id = cluster.Submit(spec);

  node->Exit({id, 0}, "worker", 0, ExitedWith(0));
  cluster.Settle();
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
  node->Exit({id, 0}, "worker", 1, ExitedWith(0));
  cluster.Settle();

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(node->CountAsked("stop"), 1);
}

TEST(LifecycleTest, AFailureAfterTheSuccessThatIsWaitedOutChangesNothing) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 3);
  v1::JobSpec spec = MakeSpec(1, 3);
  spec.mutable_success()->set_rank(0);
  spec.mutable_success()->set_clean_up(v1::CLEAN_UP_WAIT);
  const std::string id = cluster.Submit(spec);

  node->Exit({id, 0}, "worker", 0, ExitedWith(0));
  node->Exit({id, 0}, "worker", 1, ExitedWith(5));
  cluster.Settle();
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster.Get(id).status().attempts(0).ranks(1).exit().code(), 5);
  node->Exit({id, 0}, "worker", 2, ExitedWith(0));
  cluster.Settle();

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(cluster.Get(id).status().exit_code(), 0);
  EXPECT_EQ(node->CountAsked("stop"), 0);
}

TEST(LifecycleTest, AFailureBeforeTheSuccessThatIsWaitedOutStopsTheGang) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 2);
  v1::JobSpec spec = MakeSpec(1, 2);
  spec.mutable_success()->set_rank(0);
  spec.mutable_success()->set_clean_up(v1::CLEAN_UP_WAIT);
  const std::string id = cluster.Submit(spec);

  node->Exit({id, 0}, "worker", 1, ExitedWith(5));
  cluster.Settle();

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_FAILED);
  EXPECT_EQ(node->CountAsked("stop"), 1);
}

TEST(LifecycleTest, OnFailureContinueWaitsForTheOthers) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 2);
  v1::JobSpec spec = MakeSpec(1, 2);
  spec.set_on_failure(v1::FAILURE_ACTION_CONTINUE);
  const std::string id = cluster.Submit(spec);

  node->Exit({id, 0}, "worker", 0, ExitedWith(5));
  cluster.Settle();
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
  node->Exit({id, 0}, "worker", 1, ExitedWith(0));
  cluster.Settle();

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_FAILED);
  EXPECT_EQ(cluster.Get(id).status().exit_code(), 5);
}

TEST(LifecycleTest, WaitsForRoomWithCountedReasons) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 4);
  const std::string first = cluster.Submit(MakeSpec(1, 4));
  const std::string second = cluster.Submit(MakeSpec(1, 2));

  EXPECT_EQ(cluster.State(second), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(cluster.Get(second).status().reason(),
            "1 node: 1 too few devices (need 2 nvidia, have 0 free)");
  node->ExitAll({first, 0}, ExitedWith(0));
  cluster.Settle();

  EXPECT_EQ(cluster.State(second), v1::JOB_STATE_RUNNING);
}

TEST(LifecycleTest, TwoJobsShareANodeWithoutSharingDevices) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 8);
  const std::string first = cluster.Submit(MakeSpec(1, 4));
  const std::string second = cluster.Submit(MakeSpec(1, 4));

  const auto& a = node->StartOf({first, 0}).placement().nodes(0).devices();
  const auto& b = node->StartOf({second, 0}).placement().nodes(0).devices();
  ASSERT_EQ(a.size(), 4);
  ASSERT_EQ(b.size(), 4);
  EXPECT_EQ(a[0].physical(), 0);
  EXPECT_EQ(b[0].physical(), 4);
  EXPECT_EQ(cluster.scheduler()->Nodes()[0].holds_size(), 8);
}

TEST(LifecycleTest, RefusesWhatCouldNeverFit) {
  Cluster cluster;
  cluster.AddNode("node-1", 4);

  const absl::StatusOr<v1::Job> job = cluster.TrySubmit(MakeSpec(1, 8), "r");

  ASSERT_TRUE(absl::IsResourceExhausted(job.status()));
  EXPECT_EQ(DetailsOf(job.status()).errors(0).reason(), "PLACEMENT_IMPOSSIBLE");
  EXPECT_THAT(std::string(job.status().message()), HasSubstr("need 8 nvidia, have 4"));
}

// After a change of the scheduler its nodes come back one by one.
TEST(LifecycleTest, NothingIsCalledImpossibleWhileNodesMayBeOnTheirWay) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddNode("node-1", 1);
  FakeAgent* const two = cluster.AddNode("node-2", 1);
  cluster.Submit(MakeSpec(1, 1));
  cluster.RestartScheduler(/*reconnect=*/false);
  ASSERT_TRUE(one->Connect(cluster.scheduler()).ok());
  const std::string id = cluster.Submit(MakeSpec(2, 1));
  ASSERT_TRUE(two->Connect(cluster.scheduler()).ok());
  cluster.Advance(absl::Seconds(30));
  EXPECT_EQ(cluster.TrySubmit(MakeSpec(3, 1), "late").status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_QUEUED);  // The first job has a host.
}

TEST(LifecycleTest, QueueTimeoutFailsTheJob) {
  Cluster cluster;
  cluster.AddNode("node-1", 4);
  cluster.Submit(MakeSpec(1, 4));
  v1::JobSpec spec = MakeSpec(1, 4);
  spec.mutable_timeouts()->mutable_queue()->set_seconds(5);
  const std::string id = cluster.Submit(spec);

  cluster.Advance(absl::Seconds(6));

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_FAILED);
  EXPECT_EQ(cluster.Get(id).status().exit_code(), 124);
}

TEST(LifecycleTest, StartTimeoutStopsTheGang) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  node->run_at_once = false;
  const std::string id = cluster.Submit(MakeSpec(1, 1));
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_STARTING);

  cluster.Advance(absl::Seconds(61));

  EXPECT_EQ(node->CountAsked("stop"), 1);
  EXPECT_THAT(cluster.Get(id).status().attempts(0).first_cause().reason(),
              HasSubstr("0 of 1 ranks run"));
}

TEST(LifecycleTest, RunTimeoutStopsTheGang) {
  Cluster cluster;
  cluster.AddNode("node-1", 1);
  v1::JobSpec spec = MakeSpec(1, 1);
  spec.mutable_timeouts()->mutable_run()->set_seconds(30);
  const std::string id = cluster.Submit(spec);

  cluster.Advance(absl::Seconds(31));

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_FAILED);
  EXPECT_EQ(cluster.Get(id).status().exit_code(), 124);
}

}  // namespace
}  // namespace muster
