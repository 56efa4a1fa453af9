// Hosts that are cut off, return, or are lost for good.
#include <csignal>

#include "common/job/exit_result.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cluster/cluster.h"

namespace muster {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr auto kDrain = NodeOrder::Kind::kDrain;

std::string HostOfRank(const v1::Job& job, int rank) {
  return job.status().attempts().rbegin()->ranks(rank).node_name();
}

TEST(FenceTimeTest, IsLongerThanAnyHostNeeds) {
  EXPECT_GE(kFencedAfter, 1.01 * absl::Seconds(30) + absl::Seconds(5));
  EXPECT_GE(kFencedAfter, absl::Seconds(40));
  EXPECT_LE(kFencedAfter, absl::Seconds(45));
}

TEST(HostsTest, AGangOnALostHostStartsElsewhereOnlyAfterTheFence) {
  Cluster cluster;
  cluster.AddFencedNode("node-1", 1);
  FakeAgent* const two = cluster.AddFencedNode("node-2", 1);
  FakeAgent* const three = cluster.AddFencedNode("node-3", 1);
  const std::string id = cluster.Submit(MakeRestartingSpec(2, 3));
  ASSERT_FALSE(three->Has({id, 0}));

  two->Disconnect();
  cluster.Advance(kFencedAfter - absl::Milliseconds(500));
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_UNKNOWN);
  EXPECT_EQ(three->CountAsked("start"), 0);
  cluster.Advance(absl::Seconds(3));

  const v1::Job job = cluster.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_RUNNING);
  EXPECT_TRUE(three->Has({id, 1}));
  const v1::FirstCause& cause = job.status().attempts(0).first_cause();
  EXPECT_THAT(cause.summary(), StartsWith("host node-2 lost: not heard for 4"));
  EXPECT_EQ(cause.node(), "node-2");
  EXPECT_EQ(job.status().restarts(), 1);
}

TEST(HostsTest, AShortSilenceDisturbsNothing) {
  Cluster cluster;
  cluster.AddFencedNode("node-1", 1);
  FakeAgent* const two = cluster.AddFencedNode("node-2", 1);
  const std::string id = cluster.Submit(MakeRestartingSpec(2, 3));

  two->Disconnect();
  cluster.Advance(absl::Seconds(18));
  ASSERT_TRUE(two->Connect(cluster.scheduler()).ok());
  cluster.Advance(absl::Minutes(2));

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster.Get(id).status().attempts_size(), 1);
}

TEST(HostsTest, OnPartitionContinueWaitsForEver) {
  Cluster cluster;
  cluster.AddFencedNode("node-1", 1);
  FakeAgent* const two = cluster.AddFencedNode("node-2", 1);
  FakeAgent* const three = cluster.AddFencedNode("node-3", 1);
  v1::JobSpec spec = MakeRestartingSpec(2, 3);
  spec.set_on_partition(v1::PARTITION_ACTION_CONTINUE);
  const std::string id = cluster.Submit(spec);

  two->Disconnect();
  cluster.Advance(absl::Minutes(10));
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_UNKNOWN);
  EXPECT_EQ(three->CountAsked("start"), 0);
  ASSERT_TRUE(two->Connect(cluster.scheduler()).ok());
  cluster.Settle();

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster.Get(id).status().attempts_size(), 1);
}

TEST(HostsTest, AnAgentThatKeepsNoLeaseIsWaitedFor) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddNode("node-1", 1);
  cluster.AddNode("node-2", 1);
  const std::string id = cluster.Submit(MakeRestartingSpec(1, 3));

  one->Disconnect();
  cluster.Advance(absl::Minutes(10));

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_UNKNOWN);
  EXPECT_EQ(cluster.Get(id).status().attempts_size(), 1);
}

TEST(HostsTest, AnOperatorsWordEndsTheWait) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddNode("node-1", 1);
  cluster.AddNode("node-2", 1);
  v1::JobSpec spec = MakeRestartingSpec(1, 3);
  spec.set_on_partition(v1::PARTITION_ACTION_CONTINUE);
  const std::string id = cluster.Submit(spec);
  NodeOrder order;
  order.kind = kDrain;
  order.node = "node-1";
  order.confirm_dead = true;
  absl::StatusOr<v1::Node> answer;
  const auto done = [&answer](const absl::StatusOr<v1::Node>& node) { answer = node; };
  cluster.scheduler()->OrderNode(order, "tester", done);
  cluster.Settle();
  EXPECT_TRUE(absl::IsFailedPrecondition(answer.status()));  // It is there.

  one->Disconnect();
  cluster.Advance(absl::Seconds(11));
  cluster.scheduler()->OrderNode(order, "tester", done);
  cluster.Advance(absl::Seconds(3));

  ASSERT_TRUE(answer.ok());
  const v1::Job job = cluster.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(HostOfRank(job, 0), "node-2");
  EXPECT_EQ(job.status().attempts(0).first_cause().summary(),
            "host node-1 lost: dead, says an operator");
}

TEST(HostsTest, AHostThatReturnsBeforeItIsDeclaredDeadIsNot) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddNode("node-1", 1);
  FakeAgent* const two = cluster.AddNode("node-2", 1);
  const std::string id = cluster.Submit(MakeRestartingSpec(1, 3));
  one->Disconnect();
  cluster.Advance(absl::Seconds(11));
  NodeOrder order;
  order.kind = kDrain;
  order.node = "node-1";
  order.confirm_dead = true;
  absl::StatusOr<v1::Node> answer;
  cluster.scheduler()->OrderNode(order, "tester", [&answer](const auto& node) { answer = node; });
  ASSERT_TRUE(one->Connect(cluster.scheduler()).ok());  // While the order is written.
  cluster.Advance(absl::Seconds(3));

  EXPECT_TRUE(absl::IsFailedPrecondition(answer.status()));
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
  EXPECT_TRUE(one->Has({id, 0}));
  EXPECT_EQ(two->CountAsked("start"), 0);
}

TEST(HostsTest, AHostThatHasFencedItselfIsTheFirstCause) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddFencedNode("node-1", 1);
  FakeAgent* const two = cluster.AddFencedNode("node-2", 1);
  const std::string id = cluster.Submit(MakeSpec(2, 1));

  two->Disconnect();
  cluster.Advance(absl::Seconds(25));
  two->Fence({id, 0});
  ASSERT_TRUE(two->Connect(cluster.scheduler()).ok());
  cluster.Settle();

  const v1::Job job = cluster.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_FAILED);
  EXPECT_THAT(job.status().reason(), StartsWith("host node-2 lost: cut off for longer than"));
  EXPECT_EQ(one->CountAsked("stop"), 1);
  EXPECT_EQ(job.status().attempts(0).ranks(1).exit().signal(), SIGTERM);
}

TEST(HostsTest, AHostThatFencedWhileTheSchedulerWasAwayIsNotCalledCutOff) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddFencedNode("node-1", 1);
  const std::string id = cluster.Submit(MakeSpec(1, 1));

  one->Disconnect();
  cluster.Advance(absl::Seconds(25));
  one->Fence({id, 0});
  cluster.RestartScheduler(/*reconnect=*/true);
  cluster.Settle();

  EXPECT_THAT(cluster.Get(id).status().reason(),
              StartsWith("no scheduler was reached from host node-1 for longer than its lease"));
  EXPECT_EQ(cluster.Get(id).status().attempts(0).first_cause().node(), "") << "nobody avoids it";
}

TEST(HostsTest, PeersThatFailAfterAHostFellSilentAreFallout) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddFencedNode("node-1", 1);
  FakeAgent* const two = cluster.AddFencedNode("node-2", 1);
  const std::string id = cluster.Submit(MakeSpec(2, 1));

  two->Disconnect();
  cluster.Advance(absl::Seconds(5));
  one->ExitAll({id, 0}, ExitedWith(1));  // Its peer is gone.
  cluster.Advance(kFencedAfter);

  const v1::Job job = cluster.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_FAILED);
  EXPECT_THAT(job.status().reason(), StartsWith("host node-2 lost"));
  EXPECT_EQ(job.status().attempts(0).first_cause().fallout(), 1);
}

TEST(HostsTest, ARankThatFailedBeforeTheHostFellSilentStaysTheCause) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddFencedNode("node-1", 1);
  FakeAgent* const two = cluster.AddFencedNode("node-2", 1);
  const std::string id = cluster.Submit(MakeSpec(2, 1));
  two->obey_stop = false;

  one->ExitAll({id, 0}, ExitedWith(7));
  cluster.Advance(absl::Seconds(2));
  two->Disconnect();
  cluster.Advance(kFencedAfter + absl::Seconds(1));

  const v1::Job job = cluster.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(job.status().exit_code(), 7);
  EXPECT_THAT(job.status().reason(), HasSubstr("rank 0 on node-1"));
}

TEST(HostsTest, AfterTheHealTheOldAttemptIsSettledAndItsHostIsFree) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddFencedNode("node-1", 1);
  cluster.AddFencedNode("node-2", 1);
  const std::string id = cluster.Submit(MakeRestartingSpec(1, 3));
  ASSERT_TRUE(one->Has({id, 0}));

  one->Disconnect();
  one->Fence({id, 0});
  cluster.Advance(kFencedAfter + absl::Seconds(3));
  ASSERT_EQ(HostOfRank(cluster.Get(id), 0), "node-2");
  EXPECT_EQ(cluster.Get(id).status().attempts(0).ranks(0).state(), v1::RANK_STATE_LOST);
  ASSERT_TRUE(one->Connect(cluster.scheduler()).ok());
  cluster.Settle();

  const v1::RankStatus rank = cluster.Get(id).status().attempts(0).ranks(0);
  EXPECT_EQ(rank.state(), v1::RANK_STATE_EXITED);
  EXPECT_EQ(rank.exit().signal(), SIGTERM);
  EXPECT_FALSE(one->Has({id, 0}));  // Acknowledged.
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
  const std::string other = cluster.Submit(MakeSpec(1, 1));
  EXPECT_EQ(HostOfRank(cluster.Get(other), 0), "node-1");
}

TEST(HostsTest, AnExitThatComesLateWhileThePeersAreStoppedIsRecordedAndChangesNoVerdict) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddFencedNode("node-1", 1);
  FakeAgent* const two = cluster.AddFencedNode("node-2", 1);
  const std::string id = cluster.Submit(MakeSpec(2, 1));
  two->obey_stop = false;
  one->Disconnect();
  one->ExitAll({id, 0}, ExitedWith(3));
  cluster.Advance(kFencedAfter + absl::Seconds(1));
  ASSERT_EQ(cluster.State(id), v1::JOB_STATE_STOPPING);
  ASSERT_EQ(cluster.Get(id).status().attempts(0).ranks(0).state(), v1::RANK_STATE_LOST);

  ASSERT_TRUE(one->Connect(cluster.scheduler()).ok());
  cluster.Settle();
  EXPECT_FALSE(one->Has({id, 0}));  // Acknowledged.
  two->ExitAll({id, 0}, KilledBy(SIGKILL));
  cluster.Settle();

  const v1::Job job = cluster.Get(id);
  EXPECT_EQ(job.status().attempts(0).ranks(0).state(), v1::RANK_STATE_EXITED);
  EXPECT_EQ(job.status().attempts(0).ranks(0).exit().code(), 3);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_FAILED);
  EXPECT_THAT(job.status().reason(), StartsWith("host node-1 lost"));
}

TEST(HostsTest, RanksThatTheirHostHasStoppedStayTheCauseWhereTheOthersGoOn) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddFencedNode("node-1", 1);
  FakeAgent* const two = cluster.AddFencedNode("node-2", 1);
  v1::JobSpec spec = MakeSpec(2, 1);
  spec.set_on_failure(v1::FAILURE_ACTION_CONTINUE);
  const std::string id = cluster.Submit(spec);
  one->Disconnect();
  one->Fence({id, 0});
  cluster.Advance(kFencedAfter + absl::Seconds(1));
  ASSERT_TRUE(one->Connect(cluster.scheduler()).ok());
  cluster.Settle();
  EXPECT_EQ(cluster.Get(id).status().attempts(0).ranks(0).exit().signal(), SIGTERM);
  two->ExitAll({id, 0}, ExitedWith(0));
  cluster.Settle();

  const v1::Job job = cluster.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(job.status().reason(), "rank 0 on node-1: ended unseen: its host was lost");
}

TEST(HostsTest, ARejoiningHostThatStillRunsAnOldAttemptIsTold) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddFencedNode("node-1", 1);
  cluster.AddFencedNode("node-2", 1);
  const std::string id = cluster.Submit(MakeRestartingSpec(1, 3));

  one->Disconnect();  // Its fence is broken.
  cluster.Advance(kFencedAfter + absl::Seconds(3));
  ASSERT_TRUE(one->Connect(cluster.scheduler()).ok());
  cluster.Settle();

  EXPECT_EQ(one->CountAsked("stop"), 2);  // The hello and its report.
  EXPECT_FALSE(one->Has({id, 0}));
}

TEST(HostsTest, AHostThatReturnsWhileItsPeersAreStoppedIsTold) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddFencedNode("node-1", 1);
  FakeAgent* const two = cluster.AddFencedNode("node-2", 1);
  const std::string id = cluster.Submit(MakeSpec(2, 1));
  two->obey_stop = false;
  one->Disconnect();
  cluster.Advance(absl::Seconds(12));
  ASSERT_TRUE(cluster.Cancel(id).ok());  // Which gives node-1 up.
  ASSERT_EQ(cluster.State(id), v1::JOB_STATE_STOPPING);

  ASSERT_TRUE(one->Connect(cluster.scheduler()).ok());
  cluster.Settle();
  EXPECT_FALSE(one->Has({id, 0}));
  two->ExitAll({id, 0}, KilledBy(SIGKILL));
  cluster.Settle();

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_CANCELLED);
}

TEST(HostsTest, ARestartedSchedulerCountsTheFenceFromItsOwnStart) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddFencedNode("node-1", 1);
  FakeAgent* const two = cluster.AddFencedNode("node-2", 1);
  const std::string id = cluster.Submit(MakeRestartingSpec(1, 3));
  one->Disconnect();
  cluster.Advance(absl::Seconds(30));

  cluster.RestartScheduler(/*reconnect=*/false);
  ASSERT_TRUE(two->Connect(cluster.scheduler()).ok());
  cluster.Advance(kFencedAfter - absl::Milliseconds(500));
  EXPECT_EQ(two->CountAsked("start"), 0);
  cluster.Advance(absl::Seconds(3));

  EXPECT_TRUE(two->Has({id, 1}));
}

TEST(HostsTest, AHostThatRemainsKeepsItsNodeRankOverARestart) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddFencedNode("node-1", 1);
  cluster.AddFencedNode("node-2", 1);
  cluster.AddFencedNode("node-3", 1);
  const std::string id = cluster.Submit(MakeRestartingSpec(2, 3));
  ASSERT_EQ(HostOfRank(cluster.Get(id), 0), "node-1");
  ASSERT_EQ(HostOfRank(cluster.Get(id), 1), "node-2");

  one->Disconnect();
  cluster.Advance(kFencedAfter + absl::Seconds(3));

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(HostOfRank(cluster.Get(id), 0), "node-3");  // In the place of the lost one.
  EXPECT_EQ(HostOfRank(cluster.Get(id), 1), "node-2");
}

TEST(HostsTest, AHostThatHasNothingMoreToDoIsNotWaitedFor) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddNode("node-1", 1);
  FakeAgent* const two = cluster.AddNode("node-2", 1);
  const std::string id = cluster.Submit(MakeSpec(2, 1));
  two->ExitAll({id, 0}, ExitedWith(0));
  cluster.Settle();
  one->Disconnect();
  two->Disconnect();
  cluster.Advance(absl::Seconds(11));
  ASSERT_EQ(cluster.State(id), v1::JOB_STATE_UNKNOWN);

  ASSERT_TRUE(one->Connect(cluster.scheduler()).ok());
  cluster.Settle();
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
}

}  // namespace
}  // namespace muster
