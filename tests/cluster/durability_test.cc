// What is shown and acknowledged is on disk, and what a full disk stops.
#include "common/job/exit_result.h"
#include "gtest/gtest.h"
#include "tests/cluster/cluster.h"

namespace muster {
namespace {

// The store keeps it, and what follows, until it lets go.
void SubmitUnstored(Cluster* cluster, bool* answered) {
  cluster->store()->Hold(true);
  v1::SubmitJobRequest request;
  *request.mutable_spec() = MakeSpec(1, 1);
  request.set_request_id("r");
  cluster->scheduler()->Submit(request, "me", [answered](const auto&) { *answered = true; });
}

TEST(DurabilityTest, WatchersSeeOnlyWhatIsDurable) {
  Cluster cluster;
  cluster.AddNode("node-1", 1);
  bool answered = false;
  SubmitUnstored(&cluster, &answered);
  cluster.Settle();
  EXPECT_FALSE(answered);
  EXPECT_EQ(cluster.scheduler()->List({})->jobs_size(), 0);

  cluster.store()->Hold(false);
  cluster.Settle();
  EXPECT_TRUE(answered);
}

TEST(DurabilityTest, RetentionPassesOverAJobThatIsNotDurableYet) {
  Cluster cluster;
  cluster.AddNode("node-1", 1);
  bool answered = false;
  SubmitUnstored(&cluster, &answered);
  cluster.Advance(absl::Hours(1));

  cluster.store()->Hold(false);
  cluster.Settle();
  EXPECT_TRUE(answered);
}

TEST(DurabilityTest, ExitsAreNotAcknowledgedBeforeTheyAreDurable) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  const std::string id = cluster.Submit(MakeSpec(1, 1));
  const size_t before = node->acks().size();
  cluster.store()->Hold(true);

  node->ExitAll({id, 0}, ExitedWith(0));
  node->Repeat({id, 0});
  cluster.Settle();
  EXPECT_EQ(node->acks().size(), before);

  cluster.store()->Hold(false);
  cluster.Settle();
  EXPECT_EQ(node->acks().size(), before + 2);
}

TEST(DurabilityTest, AFullDiskRefusesSubmitsAndKeepsExits) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 2);
  const std::string id = cluster.Submit(MakeSpec(1, 1));
  cluster.store()->SetFull(true);

  EXPECT_TRUE(absl::IsResourceExhausted(cluster.TrySubmit(MakeSpec(1, 1), "r").status()));
  node->ExitAll({id, 0}, ExitedWith(4));
  cluster.Settle();
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
  cluster.store()->SetFull(false);
  cluster.Settle();

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_FAILED);
  EXPECT_EQ(cluster.Get(id).status().exit_code(), 4);
  EXPECT_TRUE(cluster.TrySubmit(MakeSpec(1, 1), "r").ok());
}

TEST(DurabilityTest, AFailedGangIsStoppedThoughTheDiskIsFull) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddNode("node-1", 1);
  FakeAgent* const two = cluster.AddNode("node-2", 1);
  const std::string id = cluster.Submit(MakeSpec(2, 1));
  cluster.store()->SetFull(true);

  one->ExitAll({id, 0}, ExitedWith(5));
  cluster.Settle();
  EXPECT_EQ(two->CountAsked("stop"), 1);
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);  // As the disk has it.

  cluster.store()->SetFull(false);
  cluster.Settle();
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_FAILED);
  EXPECT_EQ(cluster.Get(id).status().exit_code(), 5);
}

TEST(DurabilityTest, ATimeoutStopsTheGangThoughTheDiskIsFull) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  v1::JobSpec spec = MakeSpec(1, 1);
  spec.mutable_timeouts()->mutable_run()->set_seconds(5);
  const std::string id = cluster.Submit(spec);
  cluster.store()->SetFull(true);

  cluster.Advance(absl::Seconds(6));

  EXPECT_EQ(node->CountAsked("stop"), 1);
  cluster.store()->SetFull(false);
  cluster.Settle();
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_FAILED);
}

TEST(DurabilityTest, WhatALimitOfTimeOrACancelStopsIsStoppedWhenThatIsOnDisk) {
  for (const char* const why : {"run", "start", "cancel"}) {
    Cluster cluster;
    FakeAgent* const node = cluster.AddNode("node-1", 1);
    node->run_at_once = std::string(why) != "start";
    v1::JobSpec spec = MakeSpec(1, 1);
    if (std::string(why) == "run") spec.mutable_timeouts()->mutable_run()->set_seconds(5);
    spec.mutable_timeouts()->mutable_start()->set_seconds(5);
    const std::string id = cluster.Submit(spec);
    cluster.Settle();
    cluster.store()->Hold(true);

    if (std::string(why) == "cancel") (void)cluster.Cancel(id);
    cluster.Advance(absl::Seconds(6));
    EXPECT_EQ(node->CountAsked("stop"), 0) << why;
    cluster.store()->Hold(false);
    cluster.Settle();

    EXPECT_EQ(node->CountAsked("stop"), 1) << why;
  }
}

TEST(DurabilityTest, ADiskThatFillsUpMeanwhileDelaysNoStop) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  const std::string id = cluster.Submit(MakeSpec(1, 1));
  cluster.store()->Hold(true);
  (void)cluster.Cancel(id);
  cluster.store()->SetFull(true);
  cluster.store()->Hold(false);
  cluster.Settle();
  EXPECT_EQ(node->CountAsked("stop"), 0);

  cluster.Advance(absl::Seconds(5));
  EXPECT_EQ(node->CountAsked("stop"), 1);
  cluster.store()->SetFull(false);
  cluster.Settle();
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_CANCELLED);
}

TEST(DurabilityTest, AnOrderForANodeHoldsWhenItIsOnDisk) {
  Cluster cluster;
  cluster.AddNode("node-1", 1);
  cluster.store()->Hold(true);
  NodeOrder order;
  order.node = "node-1";
  bool answered = false;
  cluster.scheduler()->OrderNode(order, "tester", [&answered](const auto&) { answered = true; });
  cluster.Settle();
  EXPECT_FALSE(cluster.scheduler()->Nodes()[0].cordoned());
  EXPECT_FALSE(answered);

  cluster.store()->Hold(false);
  cluster.Settle();
  EXPECT_TRUE(cluster.scheduler()->Nodes()[0].cordoned());
  EXPECT_TRUE(answered);
}

}  // namespace
}  // namespace muster
