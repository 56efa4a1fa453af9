// What has ended is forgotten after a time, whatever becomes of the time of day.
#include "common/job/exit_result.h"
#include "gtest/gtest.h"
#include "tests/cluster/cluster.h"

namespace muster {
namespace {

constexpr absl::Duration kTenYears = absl::Hours(24 * 3652);

// A job that has succeeded.
std::string EndedJob(Cluster* cluster) {
  FakeAgent* const node = cluster->AddNode("node-1", 1);
  const std::string id = cluster->Submit(MakeSpec(1, 1));
  node->ExitAll({id, 0}, ExitedWith(0));
  cluster->Settle();
  return id;
}

bool IsKnown(Cluster* cluster, const std::string& id) { return cluster->scheduler()->Get(id).ok(); }

void Pass(Cluster* cluster, absl::Duration time) {
  cluster->clock()->Advance(time);
  cluster->Settle();
}

TEST(RetentionTest, FinalJobsAreRemovedAfterAMonth) {
  Cluster cluster;
  const std::string id = EndedJob(&cluster);
  Pass(&cluster, absl::Hours(24 * 29));
  EXPECT_TRUE(IsKnown(&cluster, id));
  Pass(&cluster, absl::Hours(24 * 2));
  EXPECT_FALSE(IsKnown(&cluster, id));
}

TEST(RetentionTest, ATimeOfDayThatJumpsMakesNoJobOld) {
  for (const absl::Duration jump : {kTenYears, -kTenYears}) {
    Cluster cluster;
    const std::string id = EndedJob(&cluster);
    cluster.clock()->JumpWall(jump);
    Pass(&cluster, absl::Hours(24 * 29));
    EXPECT_TRUE(IsKnown(&cluster, id)) << jump;
    Pass(&cluster, absl::Hours(24 * 2));
    EXPECT_FALSE(IsKnown(&cluster, id)) << jump;
  }
}

TEST(RetentionTest, ATimeOfDayThatIsAheadWhenTheSchedulerStartsMayBeSetWithinTheHour) {
  Cluster cluster;
  const std::string id = EndedJob(&cluster);
  cluster.clock()->JumpWall(kTenYears);
  cluster.RestartScheduler(/*reconnect=*/true);
  Pass(&cluster, absl::Minutes(50));
  EXPECT_TRUE(IsKnown(&cluster, id));
  cluster.clock()->JumpWall(-kTenYears);
  Pass(&cluster, absl::Hours(24 * 29));
  EXPECT_TRUE(IsKnown(&cluster, id));
}

TEST(RetentionTest, WhatWasLoadedIsAsOldAsTheRecordSays) {
  Cluster cluster;
  const std::string id = EndedJob(&cluster);
  Pass(&cluster, absl::Hours(24 * 29));
  cluster.RestartScheduler(/*reconnect=*/true);
  Pass(&cluster, absl::Hours(2));
  EXPECT_TRUE(IsKnown(&cluster, id));
  Pass(&cluster, absl::Hours(24));
  EXPECT_FALSE(IsKnown(&cluster, id));
}

TEST(RetentionTest, ARequestIdIsKnownForADayThoughTheTimeOfDayJumps) {
  for (const absl::Duration jump : {kTenYears, -kTenYears}) {
    Cluster cluster;
    const std::string id = cluster.Submit(MakeSpec(1, 1), "r-1");
    cluster.clock()->JumpWall(jump);
    Pass(&cluster, absl::Hours(23));
    EXPECT_EQ(cluster.Submit(MakeSpec(1, 1), "r-1"), id) << jump;
    Pass(&cluster, absl::Hours(2));
    EXPECT_NE(cluster.Submit(MakeSpec(1, 1), "r-1"), id) << jump;
  }
}

TEST(RetentionTest, ForgettingARequestIdForgetsNoneThatIsKept) {
  Cluster cluster;
  cluster.Submit(MakeSpec(1, 1), "made first");
  Pass(&cluster, absl::Hours(20));
  cluster.clock()->JumpWall(-kTenYears);
  const std::string id = cluster.Submit(MakeSpec(1, 1), "made later, by an earlier time");
  Pass(&cluster, absl::Hours(5));
  cluster.RestartScheduler(/*reconnect=*/true);
  EXPECT_EQ(cluster.Submit(MakeSpec(1, 1), "made later, by an earlier time"), id);
}

TEST(RetentionTest, AHostThatIsGoneForLongIsForgottenUnlessAJobWaitsForIt) {
  Cluster cluster;
  cluster.AddNode("node-1", 1)->Disconnect();
  FakeAgent* const two = cluster.AddNode("node-2", 1);
  const std::string id = cluster.Submit(MakeSpec(1, 1));
  two->Disconnect();
  Pass(&cluster, absl::Hours(24 * 9));
  EXPECT_EQ(cluster.scheduler()->Nodes().size(), 2U);
  Pass(&cluster, absl::Hours(24 * 2));

  ASSERT_EQ(cluster.scheduler()->Nodes().size(), 1U);
  EXPECT_EQ(cluster.scheduler()->Nodes()[0].info().name(), "node-2");
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_UNKNOWN);
}

}  // namespace
}  // namespace muster
