// Jobs that wait: for room that others have, that others must give up, or that they may not have.
#include "common/job/exit_result.h"
#include "common/rpc/error_details.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cluster/cluster.h"

namespace muster {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

v1::JobSpec LowSpec(int devices, int nodes = 1) {
  v1::JobSpec spec = MakeSpec(nodes, devices);
  spec.set_preemptible(true);
  return spec;
}

v1::JobSpec UrgentSpec(int devices, int priority = 10, int nodes = 1) {
  v1::JobSpec spec = MakeSpec(nodes, devices);
  spec.set_priority(priority);
  return spec;
}

std::string Reason(Cluster* cluster, const std::string& id) {
  return cluster->Get(id).status().reason();
}

TEST(BackfillTest, AJobBehindTheHeadSaysForWhomItIsHeldBack) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 4);
  const std::string first = cluster.Submit(MakeSpec(1, 2));
  const std::string head = cluster.Submit(MakeSpec(1, 4));
  cluster.Advance(absl::Seconds(1));
  const std::string small = cluster.Submit(MakeSpec(1, 1));
  const std::string cpu = cluster.Submit(MakeSpec(1, 1, 0));

  EXPECT_THAT(Reason(&cluster, head), HasSubstr("too few devices"));
  EXPECT_EQ(Reason(&cluster, small), "held back for job " + head + ", which is ahead of it");
  EXPECT_EQ(cluster.State(cpu), v1::JOB_STATE_RUNNING);
  node->ExitAll({first, 0}, ExitedWith(0));
  cluster.Settle();

  EXPECT_EQ(cluster.State(head), v1::JOB_STATE_RUNNING);
  ASSERT_TRUE(cluster.Cancel(head).ok());
  cluster.Settle();
  EXPECT_EQ(cluster.State(small), v1::JOB_STATE_RUNNING);
}

TEST(BackfillTest, AFillerGivesItsRoomBackToAJobOfEqualPriority) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 4);
  const std::string first = cluster.Submit(MakeSpec(1, 2));
  const std::string head = cluster.Submit(MakeSpec(1, 4));
  cluster.Advance(absl::Seconds(1));
  const std::string filler = cluster.Submit(LowSpec(2));
  ASSERT_EQ(cluster.State(filler), v1::JOB_STATE_RUNNING);
  EXPECT_TRUE(cluster.Get(filler).status().attempts(0).has_passed());

  node->ExitAll({first, 0}, ExitedWith(0));
  cluster.Advance(absl::Seconds(1));

  EXPECT_EQ(cluster.State(head), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster.State(filler), v1::JOB_STATE_QUEUED);
  EXPECT_THAT(Reason(&cluster, filler), StartsWith("preempted by job " + head + "; "));
}

TEST(PreemptionTest, TheVictimWaitsWithoutALossOfItsBudgetAndStartsAgain) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 2);
  const std::string low = cluster.Submit(LowSpec(2));  // May never restart.
  const std::string urgent = cluster.Submit(UrgentSpec(2));
  cluster.Advance(absl::Seconds(1));

  EXPECT_EQ(cluster.State(urgent), v1::JOB_STATE_RUNNING);
  v1::Job victim = cluster.Get(low);
  EXPECT_EQ(victim.status().state(), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(victim.status().attempts(0).planned_end(), v1::PLANNED_END_PREEMPTED);
  EXPECT_EQ(victim.status().restarts(), 0);
  EXPECT_THAT(victim.status().reason(), StartsWith("preempted by job " + urgent + "; 1 node: "));
  node->ExitAll({urgent, 0}, ExitedWith(0));
  cluster.Advance(absl::Seconds(1));

  victim = cluster.Get(low);
  EXPECT_EQ(victim.status().state(), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(victim.status().attempts_size(), 2);
  EXPECT_EQ(victim.status().restarts(), 0);
}

TEST(PreemptionTest, NeitherEqualPriorityNorAJobThatDoesNotAllowIt) {
  Cluster cluster;
  cluster.AddNode("node-1", 2);
  v1::JobSpec low = LowSpec(1);
  low.set_priority(10);
  const std::string equal = cluster.Submit(low);
  const std::string firm = cluster.Submit(MakeSpec(1, 1));

  const std::string urgent = cluster.Submit(UrgentSpec(1, 10));
  cluster.Advance(absl::Seconds(60));

  EXPECT_EQ(cluster.State(equal), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster.State(firm), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster.State(urgent), v1::JOB_STATE_QUEUED);
}

TEST(PreemptionTest, TheRoomIsKeptWhileTheVictimsStop) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddNode("node-1", 2);
  FakeAgent* const two = cluster.AddNode("node-2", 2);
  one->obey_stop = false;
  const std::string low_1 = cluster.Submit(LowSpec(2));
  const std::string low_2 = cluster.Submit(LowSpec(2));
  ASSERT_TRUE(one->Has({low_1, 0}));
  ASSERT_TRUE(two->Has({low_2, 0}));

  const std::string urgent = cluster.Submit(UrgentSpec(2, 10, /*nodes=*/2));
  cluster.Advance(absl::Seconds(1));  // node-2 is free now.
  const std::string other = cluster.Submit(UrgentSpec(1, 5));
  cluster.Advance(absl::Seconds(5));
  EXPECT_EQ(Reason(&cluster, urgent),
            "waits for the end of job " + low_1 + ", which is being stopped");
  EXPECT_EQ(cluster.State(other), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(cluster.State(low_2), v1::JOB_STATE_QUEUED);
  one->ExitAll({low_1, 0}, KilledBy(9));
  cluster.Advance(absl::Seconds(1));

  EXPECT_EQ(cluster.State(urgent), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster.Get(low_1).status().attempts_size(), 1);
}

TEST(PreemptionTest, OnlyAsManyAsAreNeededAreStopped) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 4);
  std::vector<std::string> low;
  for (int i = 0; i < 4; ++i) {
    low.push_back(cluster.Submit(LowSpec(1)));
    cluster.Advance(absl::Seconds(1));
  }

  const std::string urgent = cluster.Submit(UrgentSpec(2));
  cluster.Advance(absl::Seconds(60));

  EXPECT_EQ(cluster.State(urgent), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(node->CountAsked("stop"), 2);
  EXPECT_EQ(cluster.State(low[0]), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster.State(low[1]), v1::JOB_STATE_RUNNING);
}

TEST(PreemptionTest, NobodyIsStoppedForAJobThatWouldNotFitAllTheSame) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 4);
  cluster.Submit(MakeSpec(1, 1));
  cluster.Submit(LowSpec(3));

  cluster.Submit(UrgentSpec(4));
  cluster.Advance(absl::Minutes(5));

  EXPECT_EQ(node->CountAsked("stop"), 0);
}

TEST(PreemptionTest, AVictimWhosePreemptorIsCancelledSimplyStartsAgain) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 2);
  node->obey_stop = false;
  const std::string low = cluster.Submit(LowSpec(2));
  const std::string urgent = cluster.Submit(UrgentSpec(2));
  ASSERT_EQ(cluster.State(low), v1::JOB_STATE_STOPPING);

  ASSERT_TRUE(cluster.Cancel(urgent).ok());
  node->ExitAll({low, 0}, KilledBy(15));
  cluster.Advance(absl::Seconds(1));

  EXPECT_EQ(cluster.State(low), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster.Get(low).status().attempts_size(), 2);
}

TEST(PreemptionTest, GoesOnUnderANewScheduler) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddFencedNode("node-1", 2);
  FakeAgent* const two = cluster.AddFencedNode("node-2", 2);
  one->obey_stop = false;
  two->obey_stop = false;
  const std::string low_1 = cluster.Submit(LowSpec(2));
  cluster.Advance(absl::Seconds(1));
  const std::string low_2 = cluster.Submit(LowSpec(2));
  const std::string urgent = cluster.Submit(UrgentSpec(2));
  ASSERT_EQ(cluster.State(low_2), v1::JOB_STATE_STOPPING);  // The younger one.
  ASSERT_EQ(cluster.State(low_1), v1::JOB_STATE_RUNNING);
  const std::string other = cluster.Submit(UrgentSpec(2, 5));

  cluster.RestartScheduler(/*reconnect=*/true);
  cluster.Advance(absl::Seconds(5));
  EXPECT_EQ(cluster.State(low_2), v1::JOB_STATE_STOPPING);
  EXPECT_EQ(cluster.State(low_1), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster.State(other), v1::JOB_STATE_QUEUED);
  two->ExitAll({low_2, 0}, KilledBy(9));
  cluster.Advance(absl::Seconds(1));

  EXPECT_EQ(cluster.State(urgent), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster.Get(low_2).status().attempts(0).planned_end(), v1::PLANNED_END_PREEMPTED);
  EXPECT_EQ(cluster.Get(low_2).status().restarts(), 0);
}

TEST(PreemptionTest, AVictimThatDoesNotEndIsReplacedByAnother) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddNode("node-1", 2);
  FakeAgent* const two = cluster.AddNode("node-2", 2);
  two->obey_stop = false;  // Its processes cannot be killed.
  const std::string low_1 = cluster.Submit(LowSpec(2));
  cluster.Advance(absl::Seconds(1));
  const std::string low_2 = cluster.Submit(LowSpec(2));
  const std::string urgent = cluster.Submit(UrgentSpec(2));
  ASSERT_EQ(cluster.State(low_2), v1::JOB_STATE_STOPPING);

  cluster.Advance(absl::Seconds(30));
  EXPECT_EQ(one->CountAsked("stop"), 0);
  cluster.Advance(absl::Seconds(15));

  EXPECT_EQ(cluster.State(urgent), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster.State(low_1), v1::JOB_STATE_QUEUED);
}

class QuotaTest : public testing::Test {
 protected:
  void SetQuota(const std::string& what, int64_t limit) {
    cluster_.options()->quota.SetDefault(what, limit);
    cluster_.RestartScheduler(/*reconnect=*/true);
  }

  Cluster cluster_;
};

TEST_F(QuotaTest, ALimitOfRunningDevicesKeepsAJobQueuedAndSaysWhy) {
  FakeAgent* const node = cluster_.AddNode("node-1", 8);
  SetQuota("devices.nvidia", 4);
  const std::string first = cluster_.Submit(MakeSpec(1, 3));
  const std::string second = cluster_.Submit(MakeSpec(1, 2));

  EXPECT_EQ(cluster_.State(first), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(cluster_.State(second), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(Reason(&cluster_, second),
            "quota of tester: devices.nvidia=4, 3 in use, 2 more needed");
  node->ExitAll({first, 0}, ExitedWith(0));
  cluster_.Settle();

  EXPECT_EQ(cluster_.State(second), v1::JOB_STATE_RUNNING);
}

TEST_F(QuotaTest, AJobThatAloneExceedsItIsRefused) {
  cluster_.AddNode("node-1", 8);
  SetQuota("devices.nvidia", 4);

  const absl::Status refused = cluster_.TrySubmit(MakeSpec(1, 5), "r-1").status();

  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("devices.nvidia=4, 0 in use, 5 needed"));
  EXPECT_EQ(DetailsOf(refused).errors(0).reason(), "QUOTA_TOO_SMALL");
}

TEST_F(QuotaTest, SubmitsBeyondTheQueuedOnesAreRefusedAlsoInOneTurn) {
  SetQuota("queued", 2);
  std::vector<absl::Status> answers;
  for (const char* id : {"r-1", "r-2", "r-3"}) {
    v1::SubmitJobRequest request;
    *request.mutable_spec() = MakeSpec(1, 1);
    request.set_request_id(id);
    cluster_.scheduler()->Submit(request, "tester",
                                 [&answers](const auto& job) { answers.push_back(job.status()); });
  }
  cluster_.Settle();

  ASSERT_EQ(answers.size(), 3U);
  EXPECT_TRUE(absl::IsResourceExhausted(answers[0]));  // The one that is not stored.
  EXPECT_THAT(std::string(answers[0].message()), HasSubstr("quota of tester: queued=2, 2 in use"));
  EXPECT_EQ(DetailsOf(answers[0]).errors(0).reason(), "QUOTA_QUEUED");
  EXPECT_TRUE(answers[1].ok() && answers[2].ok());
  // A repeat of one that was taken is no new job.
  EXPECT_TRUE(cluster_.TrySubmit(MakeSpec(1, 1), "r-2").ok());
}

TEST_F(QuotaTest, AnElasticGangStartsAndStaysAsLargeAsItMayBe) {
  for (const char* name : {"node-1", "node-2", "node-3"}) cluster_.AddNode(name, 1);
  SetQuota("hosts", 2);
  v1::JobSpec spec = MakeSpec(1, 1);
  spec.mutable_nodes()->set_max(3);
  const std::string id = cluster_.Submit(spec);
  cluster_.Advance(absl::Minutes(5));

  const v1::Job job = cluster_.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_RUNNING);
  ASSERT_EQ(job.status().attempts_size(), 1);
  EXPECT_EQ(job.status().attempts(0).placement().nodes_size(), 2);
}

TEST_F(QuotaTest, AJobIsNotScaledToWhatItsOwnerMayNeverHave) {
  for (const char* name : {"node-1", "node-2", "node-3"}) cluster_.AddNode(name, 1);
  SetQuota("hosts", 2);
  v1::ScaleJobRequest request;
  request.set_job_id(cluster_.Submit(MakeSpec(1, 1)));
  request.mutable_nodes()->set_min(3);
  request.mutable_nodes()->set_max(3);
  request.set_request_id("r-1");
  absl::Status refused;
  cluster_.scheduler()->Scale(request, "tester",
                              [&refused](const auto& job) { refused = job.status(); });
  cluster_.Settle();

  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("hosts=2, 0 in use, 3 needed"));
  EXPECT_EQ(DetailsOf(refused).errors(0).reason(), "QUOTA_TOO_SMALL");
}

}  // namespace
}  // namespace muster
