// Schedulers that die, and what the next one makes of what it finds.
#include "common/job/exit_result.h"
#include "gtest/gtest.h"
#include "tests/cluster/cluster.h"

namespace muster {
namespace {

TEST(SchedulerDeathTest, ASchedulerThatDiesWhileReservingReleasesAndBeginsAgain) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  node->hold_reserve = true;
  const std::string id = cluster.Submit(MakeSpec(1, 1));
  ASSERT_EQ(cluster.State(id), v1::JOB_STATE_RESERVING);

  node->hold_reserve = false;
  cluster.RestartScheduler(/*reconnect=*/true);

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(node->CountAsked("release"), 1);
  EXPECT_EQ(cluster.scheduler()->epoch(), 2);
  EXPECT_EQ(node->highest_epoch(), 2);
}

TEST(SchedulerDeathTest, ASchedulerThatDiesWhileStartingStartsAgain) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  node->run_at_once = false;
  const std::string id = cluster.Submit(MakeSpec(1, 1));
  ASSERT_EQ(cluster.State(id), v1::JOB_STATE_STARTING);

  cluster.RestartScheduler(/*reconnect=*/true);
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_STARTING);
  node->Run({id, 0});
  cluster.Settle();

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster.Get(id).status().attempts_size(), 1);
}

TEST(SchedulerDeathTest, ASchedulerThatDiesWhileRunningGoesOn) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 2);
  const std::string id = cluster.Submit(MakeSpec(1, 2));
  const std::string waiting = cluster.Submit(MakeSpec(1, 1));

  cluster.RestartScheduler(/*reconnect=*/false);
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
  cluster.Advance(absl::Seconds(11));
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_UNKNOWN);
  ASSERT_TRUE(node->Connect(cluster.scheduler()).ok());
  cluster.Settle();
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster.State(waiting), v1::JOB_STATE_QUEUED);
  node->ExitAll({id, 0}, ExitedWith(0));
  cluster.Settle();

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(cluster.State(waiting), v1::JOB_STATE_RUNNING);
}

TEST(SchedulerDeathTest, ASchedulerThatDiesWhileStoppingGoesOnStopping) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 2);
  const std::string id = cluster.Submit(MakeSpec(1, 2));
  node->obey_stop = false;
  ASSERT_TRUE(cluster.Cancel(id).ok());
  ASSERT_EQ(cluster.State(id), v1::JOB_STATE_STOPPING);

  node->obey_stop = true;
  cluster.RestartScheduler(/*reconnect=*/true);

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(cluster.Get(id).status().exit_code(), 130);
}

TEST(SchedulerDeathTest, ASchedulerThatDiesWhileAJobBacksOffKeepsTheDelay) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  v1::JobSpec spec = MakeRestartingSpec(1, 1);
  spec.mutable_restart()->mutable_first_delay()->set_seconds(10);
  const std::string id = cluster.Submit(spec);
  node->ExitAll({id, 0}, ExitedWith(1));
  cluster.Settle();

  cluster.RestartScheduler(/*reconnect=*/true);
  cluster.Advance(absl::Seconds(9));
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_QUEUED);
  cluster.Advance(absl::Seconds(2));

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
}

TEST(SchedulerDeathTest, WhatIsOnlyInMemoryWhenTheSchedulerDiesIsToldAgain) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  const std::string id = cluster.Submit(MakeSpec(1, 1));
  cluster.store()->Hold(true);
  node->ExitAll({id, 0}, ExitedWith(6));
  cluster.Settle();

  cluster.store()->Crash();
  cluster.store()->Hold(false);
  cluster.RestartScheduler(/*reconnect=*/true);

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_FAILED);
  EXPECT_EQ(cluster.Get(id).status().exit_code(), 6);
}

constexpr absl::Duration kTenYears = absl::Hours(24 * 3650);

TEST(SchedulerDeathTest, LimitsOfTimeAreNotBegunAnew) {
  Cluster cluster;
  cluster.AddNode("node-1", 1);
  v1::JobSpec spec = MakeSpec(1, 1);
  spec.mutable_timeouts()->mutable_run()->set_seconds(600);
  const std::string running = cluster.Submit(spec);
  spec.mutable_timeouts()->mutable_queue()->set_seconds(540);
  const std::string waiting = cluster.Submit(spec);
  for (int i = 0; i < 4; ++i) {
    cluster.Advance(absl::Seconds(130));
    cluster.RestartScheduler(/*reconnect=*/true);
  }
  EXPECT_EQ(cluster.State(running), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster.State(waiting), v1::JOB_STATE_QUEUED);

  cluster.Advance(absl::Seconds(75));
  EXPECT_EQ(cluster.State(running), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster.State(waiting), v1::JOB_STATE_FAILED);
  cluster.Advance(absl::Seconds(10));
  EXPECT_EQ(cluster.State(running), v1::JOB_STATE_FAILED);
}

TEST(SchedulerDeathTest, ATimeOfDayThatIsAheadAtTheStartEndsNothing) {
  Cluster cluster;
  cluster.AddNode("node-1", 1);
  v1::JobSpec spec = MakeSpec(1, 1);
  spec.mutable_timeouts()->mutable_run()->set_seconds(600);
  const std::string running = cluster.Submit(spec);
  spec.mutable_timeouts()->mutable_queue()->set_seconds(540);
  const std::string waiting = cluster.Submit(spec);
  cluster.Advance(absl::Seconds(100));

  cluster.clock()->JumpWall(kTenYears);
  cluster.RestartScheduler(/*reconnect=*/true);
  cluster.Advance(absl::Seconds(20));
  EXPECT_EQ(cluster.State(running), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster.State(waiting), v1::JOB_STATE_QUEUED);
  cluster.clock()->JumpWall(-kTenYears);  // It is set.
  cluster.Advance(absl::Seconds(410));
  EXPECT_EQ(cluster.State(running), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster.State(waiting), v1::JOB_STATE_QUEUED);
  cluster.Advance(absl::Seconds(80));

  EXPECT_EQ(cluster.State(running), v1::JOB_STATE_FAILED);
  EXPECT_EQ(cluster.State(waiting), v1::JOB_STATE_FAILED);
}

TEST(SchedulerDeathTest, ATimeOfDayThatJumpsWhileTheSchedulerLivesMovesNoLimit) {
  for (const absl::Duration jump : {kTenYears, -kTenYears}) {
    Cluster cluster;
    FakeAgent* const node = cluster.AddNode("node-1", 1);
    node->run_at_once = false;
    v1::JobSpec spec = MakeSpec(1, 1);
    spec.mutable_timeouts()->mutable_run()->set_seconds(100);
    const std::string id = cluster.Submit(spec);
    cluster.clock()->JumpWall(jump);
    node->Run({id, 0});
    cluster.Advance(absl::Seconds(98));
    EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING) << jump;
    cluster.Advance(absl::Seconds(3));
    EXPECT_EQ(cluster.State(id), v1::JOB_STATE_FAILED) << jump;
  }
}

}  // namespace
}  // namespace muster
