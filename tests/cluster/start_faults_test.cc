// Reservations and starts that are refused, or whose answer is lost.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cluster/cluster.h"

namespace muster {
namespace {

using ::testing::HasSubstr;

TEST(StartFaultsTest, ARefusedReservationReleasesAllAndIsTriedAgain) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddNode("node-1", 1);
  FakeAgent* const two = cluster.AddNode("node-2", 1);
  two->reserve_answer = absl::ResourceExhaustedError("port 20000 is in use");
  const std::string id = cluster.Submit(MakeSpec(2, 1));

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(cluster.Get(id).status().reason(), "node node-2: port 20000 is in use");
  EXPECT_EQ(cluster.Get(id).status().attempts_size(), 0);
  EXPECT_EQ(one->CountAsked("release"), 1);
  EXPECT_EQ(one->CountAsked("start"), 0);

  two->reserve_answer = absl::OkStatus();
  cluster.Advance(absl::Seconds(2));
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
}

TEST(StartFaultsTest, ALostStartReplyIsRepeatedAndChangesNothing) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  node->lose_start_reply = true;
  node->run_at_once = false;
  const std::string id = cluster.Submit(MakeSpec(1, 1));
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_STARTING);

  node->lose_start_reply = false;
  cluster.Advance(absl::Seconds(1));
  EXPECT_GE(node->CountAsked("start"), 2);
  node->Run({id, 0});
  cluster.Settle();

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
}

TEST(StartFaultsTest, AReportBeforeTheStartsReplyCounts) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  node->silent_start = true;
  const std::string id = cluster.Submit(MakeSpec(1, 1));

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
}

TEST(StartFaultsTest, AStartThatIsRefusedIsMadeAgainWithoutTouchingTheBudget) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  node->start_answer = absl::FailedPreconditionError("the reservation has lapsed");
  const std::string id = cluster.Submit(MakeSpec(1, 1));
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_QUEUED);

  node->start_answer = absl::OkStatus();
  cluster.Advance(absl::Seconds(2));

  const v1::Job job = cluster.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(job.status().restarts(), 0);
  EXPECT_EQ(job.status().attempts_size(), 2);
  EXPECT_THAT(job.status().attempts(0).first_cause().reason(), HasSubstr("lapsed"));
}

TEST(StartFaultsTest, StartsThatNeverSucceedFailTheJob) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  node->start_answer = absl::FailedPreconditionError("the reservation has lapsed");
  const std::string id = cluster.Submit(MakeSpec(1, 1));

  cluster.Advance(absl::Minutes(1));

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_FAILED);
  EXPECT_EQ(node->CountAsked("start"), 4);
}

TEST(StartFaultsTest, TheHostThatRefusesIsDoneWithoutWhereNobodyStarted) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddNode("node-1", 1);
  FakeAgent* const two = cluster.AddNode("node-2", 1);
  FakeAgent* const three = cluster.AddNode("node-3", 1);
  one->start_answer = absl::UnavailableError("busy");
  two->start_answer = absl::ResourceExhaustedError("its disk is full");
  const std::string id = cluster.Submit(MakeSpec(2, 1));
  cluster.Advance(absl::Milliseconds(1500));
  EXPECT_EQ(two->CountAsked("start"), 2);
  EXPECT_EQ(cluster.Get(id).status().attempts(0).first_cause().node(), "node-2");

  one->start_answer = absl::OkStatus();
  cluster.Advance(absl::Seconds(5));
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
  EXPECT_TRUE(one->Has({id, 2}));
  EXPECT_TRUE(three->Has({id, 2}));
}

TEST(StartFaultsTest, ARefusedStartEndsThePartThoughItsReportWasFaster) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddNode("node-1", 1);
  FakeAgent* const two = cluster.AddNode("node-2", 1);
  two->start_answer = absl::InternalError("the intent cannot be written");
  two->report_refused_start = true;
  const std::string id = cluster.Submit(MakeSpec(2, 1));

  cluster.Advance(absl::Seconds(20));

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_FAILED);
  EXPECT_THAT(cluster.Get(id).status().reason(), HasSubstr("cannot be written"));
  EXPECT_FALSE(one->Has({id, 0}));
}

}  // namespace
}  // namespace muster
