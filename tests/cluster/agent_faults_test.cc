// Agents that vanish, come back, forget, and say what nobody expects.
#include <csignal>

#include "common/job/exit_result.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cluster/cluster.h"

namespace muster {
namespace {

using ::testing::HasSubstr;

TEST(AgentFaultsTest, ASilentNodeMakesItsJobsUnknownUntilItReturns) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  const std::string id = cluster.Submit(MakeSpec(1, 1));

  node->Disconnect();
  cluster.Advance(absl::Seconds(4));
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster.scheduler()->Nodes()[0].state(), v1::NODE_STATE_SUSPECT);
  cluster.Advance(absl::Seconds(8));
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_UNKNOWN);
  EXPECT_EQ(cluster.scheduler()->Nodes()[0].state(), v1::NODE_STATE_LOST);
  ASSERT_TRUE(node->Connect(cluster.scheduler()).ok());
  cluster.Settle();

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
}

TEST(AgentFaultsTest, ExitsThatHappenedMeanwhileAreInTheHello) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  const std::string id = cluster.Submit(MakeSpec(1, 1));

  node->Restart(/*loses_gangs=*/false);
  node->ExitAll({id, 0}, ExitedWith(9));
  cluster.Advance(absl::Seconds(20));
  ASSERT_TRUE(node->Connect(cluster.scheduler()).ok());
  cluster.Settle();

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_FAILED);
  EXPECT_EQ(cluster.Get(id).status().exit_code(), 9);
}

TEST(AgentFaultsTest, AnAgentThatHasForgottenItsGangFailsTheAttempt) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  const std::string id = cluster.Submit(MakeSpec(1, 1));

  node->Restart(/*loses_gangs=*/true);
  ASSERT_TRUE(node->Connect(cluster.scheduler()).ok());
  cluster.Settle();

  const v1::Job job = cluster.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(job.status().attempts(0).ranks(0).state(), v1::RANK_STATE_UNKNOWN);
}

TEST(AgentFaultsTest, ARebootLosesTheRanksAndTheJobStartsAgain) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  const std::string id = cluster.Submit(MakeRestartingSpec(1, 1));

  node->Reboot();
  cluster.Advance(absl::Seconds(15));
  ASSERT_TRUE(node->Connect(cluster.scheduler()).ok());
  cluster.Advance(absl::Seconds(2));

  const v1::Job job = cluster.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(job.status().attempts(0).ranks(0).state(), v1::RANK_STATE_LOST);
}

TEST(AgentFaultsTest, ABrokenStreamAloneLosesNothing) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  const std::string id = cluster.Submit(MakeSpec(1, 1));

  ASSERT_TRUE(node->Connect(cluster.scheduler()).ok());  // Replaces the first.
  cluster.Settle();
  node->ExitAll({id, 0}, ExitedWith(0));
  cluster.Settle();

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_SUCCEEDED);
}

TEST(AgentFaultsTest, AnOlderIncarnationIsTurnedAway) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  v1::NodeHello hello;
  *hello.mutable_info() = node->info();
  hello.mutable_info()->set_incarnation(0);

  const auto welcome = cluster.scheduler()->NodeConnected(hello, 1 << 20, [] {});

  EXPECT_TRUE(absl::IsAborted(welcome.status()));
  EXPECT_TRUE(node->connected());
}

TEST(AgentFaultsTest, AnAgentOfAnotherMajorIsTurnedAwayAndTold) {
  Cluster cluster;
  v1::NodeHello hello;
  hello.mutable_info()->set_id("0123");
  hello.mutable_info()->set_name("node-9");
  hello.mutable_protocol()->set_major(2);

  const auto welcome = cluster.scheduler()->NodeConnected(hello, 1 << 20, [] {});

  EXPECT_TRUE(absl::IsFailedPrecondition(welcome.status()));
  EXPECT_THAT(std::string(welcome.status().message()),
              testing::StartsWith("node node-9: its agent speaks protocol 2.0, this scheduler"));
}

TEST(AgentFaultsTest, AnAgentOfANewerMinorIsWelcome) {
  Cluster cluster;
  v1::NodeHello hello;
  *hello.mutable_info() = cluster.AddNode("node-1", 1)->info();
  hello.mutable_info()->set_incarnation(hello.info().incarnation() + 1);
  hello.mutable_protocol()->set_major(1);
  hello.mutable_protocol()->set_minor(99);

  const auto welcome = cluster.scheduler()->NodeConnected(hello, 1 << 20, [] {});

  ASSERT_TRUE(welcome.ok()) << welcome.status();
  EXPECT_EQ(welcome->protocol().major(), 1);
}

TEST(AgentFaultsTest, ADegradedNodeGetsNoNewWork) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  v1::NodeHello hello;
  *hello.mutable_info() = node->info();
  hello.mutable_info()->set_incarnation(node->info().incarnation() + 1);
  hello.mutable_info()->set_degraded("degraded: a test");
  ASSERT_TRUE(cluster.scheduler()->NodeConnected(hello, 1 << 20, [] {}).ok());

  const std::string id = cluster.Submit(MakeSpec(1, 1));
  cluster.Settle();

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(cluster.scheduler()->Nodes()[0].reason(), "degraded: a test");
}

TEST(AgentFaultsTest, AFailedAttemptWaitsForALostNodeBeforeTheNext) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddNode("node-1", 1);
  FakeAgent* const two = cluster.AddNode("node-2", 1);
  const std::string id = cluster.Submit(MakeRestartingSpec(2, 1));

  two->Disconnect();
  one->Exit({id, 0}, "worker", 0, KilledBy(SIGKILL));
  cluster.Advance(absl::Minutes(2));
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_STOPPING);
  EXPECT_THAT(cluster.Get(id).status().reason(), HasSubstr("waits for node node-2"));
  ASSERT_TRUE(two->Connect(cluster.scheduler()).ok());
  cluster.Advance(absl::Seconds(2));

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster.Get(id).status().attempts_size(), 2);
}

TEST(AgentFaultsTest, ACancelledJobGivesUpALostNodeAndStopsItsRanksLater) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  const std::string id = cluster.Submit(MakeSpec(1, 1));

  node->Disconnect();
  ASSERT_TRUE(cluster.Cancel(id).ok());
  cluster.Advance(absl::Seconds(12));
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_CANCELLED);
  ASSERT_TRUE(node->Connect(cluster.scheduler()).ok());
  cluster.Settle();

  EXPECT_EQ(node->asked().back(), "stop " + id + "/0");
}

TEST(AgentFaultsTest, AGangThatNobodyKnowsIsStopped) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  v1::GangReport report;
  report.set_job_id("ghost-123456");
  report.set_sequence(1);
  node->Say(report);
  cluster.Settle();

  EXPECT_EQ(node->asked().back(), "stop ghost-123456/0");
  EXPECT_EQ(node->acks().size(), 1U);
}

TEST(AgentFaultsTest, AStaleAttemptIsStoppedAndDoesNotTouchTheCurrentOne) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  const std::string id = cluster.Submit(MakeRestartingSpec(1, 1));
  node->ExitAll({id, 0}, ExitedWith(1));
  cluster.Advance(absl::Seconds(2));
  v1::GangReport stale;
  stale.set_job_id(id);
  stale.set_sequence(1000);
  v1::RankStatus* const rank = stale.add_ranks();
  rank->set_role("worker");
  rank->set_state(v1::RANK_STATE_RUNNING);

  node->Say(stale);
  cluster.Settle();

  EXPECT_EQ(node->asked().back(), "stop " + id + "/0");
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster.Get(id).status().attempts(0).ranks(0).state(), v1::RANK_STATE_EXITED);
}

TEST(AgentFaultsTest, ARepeatedExitReportIsAcknowledgedAgain) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 2);
  const std::string id = cluster.Submit(MakeSpec(1, 2));
  node->Exit({id, 0}, "worker", 0, ExitedWith(0));
  node->Repeat({id, 0});
  node->Repeat({id, 0});
  cluster.Settle();

  ASSERT_GE(node->acks().size(), 3U);
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
}

TEST(AgentFaultsTest, AGangThatAnAgentNoLongerKnowsIsStopped) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  const std::string id = cluster.Submit(MakeSpec(1, 1));
  node->stop_answer = absl::NotFoundError("not on this host");

  ASSERT_TRUE(cluster.Cancel(id).ok());
  cluster.Settle();

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_CANCELLED);
  // It ran: whatever became of it, nobody knows.
  const v1::RankStatus rank = cluster.Get(id).status().attempts(0).ranks(0);
  EXPECT_EQ(rank.state(), v1::RANK_STATE_UNKNOWN);
  EXPECT_THAT(rank.exit().unknown(), HasSubstr("lost its state"));
}

TEST(AgentFaultsTest, AStopIsRepeatedUntilTheAgentTakesIt) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  const std::string id = cluster.Submit(MakeSpec(1, 1));
  node->stop_answer = absl::UnavailableError("not now");

  ASSERT_TRUE(cluster.Cancel(id).ok());
  cluster.Advance(absl::Seconds(3));
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_STOPPING);
  node->stop_answer = absl::OkStatus();
  cluster.Advance(absl::Seconds(3));

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_CANCELLED);
}

}  // namespace
}  // namespace muster
