// Orders about a node: cordon, uncordon, drain.
#include <csignal>

#include "common/job/exit_result.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cluster/cluster.h"

namespace muster {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr auto kCordon = NodeOrder::Kind::kCordon;
constexpr auto kUncordon = NodeOrder::Kind::kUncordon;
constexpr auto kDrain = NodeOrder::Kind::kDrain;

TEST(NodeOrdersTest, ACordonedNodeGetsNothingNewAlsoAfterARestartOfTheScheduler) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 2);
  const std::string first = cluster.Submit(MakeSpec(1, 1));
  const v1::Node shown = cluster.Order(kCordon, "node-1");
  EXPECT_TRUE(shown.cordoned());
  EXPECT_EQ(shown.reason(), "maintenance");

  const std::string id = cluster.Submit(MakeSpec(1, 1));
  EXPECT_EQ(cluster.State(first), v1::JOB_STATE_RUNNING);
  EXPECT_THAT(cluster.Get(id).status().reason(), HasSubstr("1 cordoned"));
  cluster.RestartScheduler(/*reconnect=*/true);
  cluster.Advance(absl::Seconds(5));
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_QUEUED);
  cluster.Order(kUncordon, "node-1");
  cluster.Settle();

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
  EXPECT_TRUE(node->Has({id, 0}));
}

TEST(NodeOrdersTest, ADrainedNodeFinishesWhatItHas) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 2);
  const std::string id = cluster.Submit(MakeSpec(1, 1));

  v1::Node shown = cluster.Order(kDrain, "node-1");
  EXPECT_EQ(shown.state(), v1::NODE_STATE_DRAINING);
  EXPECT_EQ(shown.reason(), "still has jobs: maintenance");
  EXPECT_EQ(shown.jobs(0), id);
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
  node->ExitAll({id, 0}, ExitedWith(0));
  cluster.Settle();

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(cluster.scheduler()->Nodes()[0].reason(), "drained: maintenance");
}

TEST(NodeOrdersTest, DrainNowMovesGangsWithoutTouchingTheirBudget) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddNode("node-1", 1);
  FakeAgent* const two = cluster.AddNode("node-2", 1);
  const std::string id = cluster.Submit(MakeSpec(1, 1));  // May never restart.
  ASSERT_TRUE(one->Has({id, 0}));

  cluster.Order(kDrain, "node-1", /*now=*/true);
  cluster.Advance(absl::Seconds(1));

  const v1::Job job = cluster.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_RUNNING);
  EXPECT_TRUE(two->Has({id, 1}));
  EXPECT_EQ(job.status().restarts(), 0);
  EXPECT_EQ(job.status().attempts(0).planned_end(), v1::PLANNED_END_DRAINED);
  EXPECT_THAT(job.status().attempts(0).first_cause().reason(),
              HasSubstr("moves away from host node-1, which is drained: maintenance"));
}

TEST(NodeOrdersTest, DrainNowAlsoMovesAGangThatIsAboutToStart) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddNode("node-1", 1);
  FakeAgent* const two = cluster.AddNode("node-2", 1);
  one->hold_reserve = true;
  const std::string id = cluster.Submit(MakeSpec(1, 1));
  ASSERT_EQ(cluster.State(id), v1::JOB_STATE_RESERVING);

  cluster.Order(kDrain, "node-1", /*now=*/true);
  one->ReleaseHeld();
  cluster.Advance(absl::Seconds(2));

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
  EXPECT_TRUE(two->Has({id, 0}));
  EXPECT_EQ(one->CountAsked("start"), 0);
}

TEST(NodeOrdersTest, ALossThatCameBeforeADrainIsToldFirstAndTheMoveCostsNoRestart) {
  Cluster cluster;
  cluster.AddFencedNode("node-1", 1);
  FakeAgent* const two = cluster.AddFencedNode("node-2", 1);
  FakeAgent* const three = cluster.AddFencedNode("node-3", 1);
  const std::string id = cluster.Submit(MakeRestartingSpec(2, 3));
  two->Disconnect();
  cluster.Advance(kFencedAfter - absl::Seconds(5));
  ASSERT_EQ(cluster.State(id), v1::JOB_STATE_UNKNOWN);

  cluster.Order(kDrain, "node-2", /*now=*/true);
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_STOPPING);
  EXPECT_FALSE(three->Has({id, 1}));  // Before the fence it may still run there.
  cluster.Advance(absl::Seconds(8));

  const v1::Job job = cluster.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_RUNNING);
  EXPECT_TRUE(three->Has({id, 1}));
  const v1::Attempt& attempt = job.status().attempts(0);
  EXPECT_THAT(attempt.first_cause().summary(), StartsWith("host node-2 lost: not heard for "));
  EXPECT_THAT(attempt.first_cause().summary(), HasSubstr("; moves away from host node-2"));
  EXPECT_EQ(attempt.planned_end(), v1::PLANNED_END_DRAINED);
  EXPECT_EQ(job.status().restarts(), 0);
}

TEST(NodeOrdersTest, AGangOfWhichAnotherHostIsLostMovesWithoutARestartOfItsOwn) {
  Cluster cluster;
  cluster.AddFencedNode("node-1", 1);
  FakeAgent* const two = cluster.AddFencedNode("node-2", 1);
  const std::string id = cluster.Submit(MakeSpec(2, 1));  // max_restarts: 0.
  two->Disconnect();
  cluster.Advance(absl::Seconds(12));
  cluster.AddFencedNode("node-3", 1);

  cluster.Order(kDrain, "node-1", /*now=*/true);
  ASSERT_TRUE(two->Connect(cluster.scheduler()).ok());  // It was a moment's trouble.
  cluster.Advance(absl::Seconds(8));

  const v1::Job job = cluster.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(job.status().attempts_size(), 2);
  EXPECT_TRUE(two->Has({id, 1}));
  EXPECT_THAT(job.status().attempts(0).first_cause().summary(),
              StartsWith("host node-2 lost: not heard for "));
}

TEST(NodeOrdersTest, AnOrderWithoutAReasonKeepsTheOneBefore) {
  Cluster cluster;
  cluster.AddNode("node-1", 1);
  cluster.AddNode("node-2", 1);
  const std::string id = cluster.Submit(MakeSpec(1, 1));
  cluster.Order(kCordon, "node-1");
  NodeOrder order;
  order.kind = kDrain;
  order.node = "node-1";
  order.now = true;
  cluster.scheduler()->OrderNode(order, "tester", [](const auto&) {});
  cluster.Advance(absl::Seconds(1));

  EXPECT_EQ(cluster.scheduler()->Nodes()[0].reason(), "drained: maintenance");
  EXPECT_THAT(cluster.Get(id).status().attempts(0).first_cause().reason(),
              HasSubstr("which is drained: maintenance"));
  order.kind = kUncordon;
  order.now = false;
  cluster.scheduler()->OrderNode(order, "tester", [](const auto&) {});
  cluster.Settle();
  order.kind = kCordon;
  cluster.scheduler()->OrderNode(order, "tester", [](const auto&) {});
  cluster.Settle();
  EXPECT_EQ(cluster.scheduler()->Nodes()[0].reason(), "");
}

TEST(NodeOrdersTest, AnOrderForANodeThatIsNotThereIsRefused) {
  Cluster cluster;
  NodeOrder order;
  order.node = "node-9";
  absl::StatusOr<v1::Node> answer;
  cluster.scheduler()->OrderNode(order, "tester", [&answer](const auto& node) { answer = node; });
  EXPECT_TRUE(absl::IsNotFound(answer.status()));
}

// A gang on two hosts whose second one is drained while the news of the first are on their way.
class DrainRaceTest : public testing::Test {
 protected:
  void Start(v1::JobSpec spec) { id_ = cluster_.Submit(spec); }
  // Ends rank 0, unheard.
  void EndRankZero(const v1::ExitResult& exit) {
    one_->Disconnect();
    one_->Exit({id_, 0}, "worker", 0, exit);
    cluster_.Advance(absl::Seconds(2));  // By more than hosts' clocks may differ.
  }
  void DrainAndHear() {
    cluster_.Order(kDrain, "node-2", /*now=*/true);
    if (!one_->connected()) {
      ASSERT_TRUE(one_->Connect(cluster_.scheduler()).ok());
    }
    cluster_.Advance(absl::Seconds(2));
  }

  Cluster cluster_;
  FakeAgent* const one_ = cluster_.AddNode("node-1", 1);
  FakeAgent* const two_ = cluster_.AddNode("node-2", 1);
  FakeAgent* const spare_ = cluster_.AddNode("node-3", 1);
  std::string id_;
};

TEST_F(DrainRaceTest, AJobThatHadSucceededIsNotMoved) {
  v1::JobSpec spec = MakeSpec(2, 1);
  spec.mutable_success()->set_rank(0);
  Start(spec);
  EndRankZero(ExitedWith(0));
  DrainAndHear();

  const v1::Job job = cluster_.Get(id_);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(job.status().attempts(0).planned_end(), v1::PLANNED_END_UNSPECIFIED);
}

TEST_F(DrainRaceTest, AJobThatHadFailedIsNotMoved) {
  Start(MakeSpec(2, 1));
  EndRankZero(ExitedWith(3));
  DrainAndHear();

  const v1::Job job = cluster_.Get(id_);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(job.status().exit_code(), 3);
  EXPECT_EQ(job.status().reason(), "rank 0 on node-1: exited with code 3");
  EXPECT_EQ(job.status().attempts(0).planned_end(), v1::PLANNED_END_UNSPECIFIED);
  EXPECT_EQ(job.status().attempts(0).fault_class(), v1::FAULT_CLASS_PROGRAM);
}

TEST_F(DrainRaceTest, ARankThatFailsBecauseItsPeersAreStoppedIsNoFault) {
  one_->obey_stop = false;
  Start(MakeSpec(2, 1));
  DrainAndHear();
  one_->ExitAll({id_, 0}, ExitedWith(1));  // Its peer has left.
  cluster_.Advance(absl::Seconds(2));

  const v1::Job job = cluster_.Get(id_);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(job.status().restarts(), 0);
  EXPECT_EQ(job.status().attempts(0).planned_end(), v1::PLANNED_END_DRAINED);
  EXPECT_EQ(job.status().attempts(0).fault_class(), v1::FAULT_CLASS_UNSPECIFIED);
}

TEST_F(DrainRaceTest, AHostThatIsLostWhileItIsDrainedIsNoFault) {
  one_->obey_stop = false;
  Start(MakeSpec(2, 1));
  DrainAndHear();
  one_->Reboot();
  cluster_.Advance(absl::Seconds(1));
  ASSERT_TRUE(one_->Connect(cluster_.scheduler()).ok());
  cluster_.Advance(absl::Seconds(2));

  EXPECT_EQ(cluster_.State(id_), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster_.Get(id_).status().restarts(), 0);
}

TEST_F(DrainRaceTest, ARankThatWasToStartAgainInItsPlaceIsMovedWithTheOthers) {
  v1::JobSpec spec = MakeRestartingSpec(2, 3);
  spec.mutable_restart()->set_scope(v1::RESTART_SCOPE_RANK);
  Start(spec);
  one_->Exit({id_, 0}, "worker", 0, KilledBy(SIGKILL));
  cluster_.Settle();
  DrainAndHear();

  EXPECT_EQ(cluster_.State(id_), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster_.Get(id_).status().attempts(0).planned_end(), v1::PLANNED_END_DRAINED);
}

}  // namespace
}  // namespace muster
