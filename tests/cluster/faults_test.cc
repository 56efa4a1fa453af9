// Agents that refuse, vanish, forget and repeat themselves, and schedulers that die.
#include <csignal>

#include "common/job/exit_result.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cluster/cluster.h"

namespace muster {
namespace {

using ::testing::HasSubstr;

TEST(FaultsTest, ARefusedReservationReleasesAllAndIsTriedAgain) {
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

TEST(FaultsTest, ALostStartReplyIsRepeatedAndChangesNothing) {
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

TEST(FaultsTest, AReportBeforeTheStartsReplyCounts) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  node->silent_start = true;
  const std::string id = cluster.Submit(MakeSpec(1, 1));

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_RUNNING);
}

TEST(FaultsTest, AStartThatIsRefusedIsMadeAgainWithoutTouchingTheBudget) {
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

TEST(FaultsTest, StartsThatNeverSucceedFailTheJob) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  node->start_answer = absl::FailedPreconditionError("the reservation has lapsed");
  const std::string id = cluster.Submit(MakeSpec(1, 1));

  cluster.Advance(absl::Minutes(1));

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_FAILED);
  EXPECT_EQ(node->CountAsked("start"), 4);
}

TEST(FaultsTest, ASilentNodeMakesItsJobsUnknownUntilItReturns) {
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

TEST(FaultsTest, ExitsThatHappenedMeanwhileAreInTheHello) {
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

TEST(FaultsTest, AnAgentThatHasForgottenItsGangFailsTheAttempt) {
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

TEST(FaultsTest, ARebootLosesTheRanksAndTheJobStartsAgain) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  v1::JobSpec spec = MakeSpec(1, 1);
  spec.mutable_restart()->set_max_restarts(1);
  const std::string id = cluster.Submit(spec);

  node->Reboot();
  cluster.Advance(absl::Seconds(15));
  ASSERT_TRUE(node->Connect(cluster.scheduler()).ok());
  cluster.Advance(absl::Seconds(2));

  const v1::Job job = cluster.Get(id);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(job.status().attempts(0).ranks(0).state(), v1::RANK_STATE_LOST);
}

TEST(FaultsTest, ABrokenStreamAloneLosesNothing) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  const std::string id = cluster.Submit(MakeSpec(1, 1));

  ASSERT_TRUE(node->Connect(cluster.scheduler()).ok());  // Replaces the first.
  cluster.Settle();
  node->ExitAll({id, 0}, ExitedWith(0));
  cluster.Settle();

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_SUCCEEDED);
}

TEST(FaultsTest, AnOlderIncarnationIsTurnedAway) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  v1::NodeHello hello;
  *hello.mutable_info() = node->info();
  hello.mutable_info()->set_incarnation(0);

  const auto welcome = cluster.scheduler()->NodeConnected(hello, 1 << 20, [] {});

  EXPECT_TRUE(absl::IsAborted(welcome.status()));
  EXPECT_TRUE(node->connected());
}

TEST(FaultsTest, AnAgentOfAnotherMajorIsTurnedAwayAndTold) {
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

TEST(FaultsTest, AnAgentOfANewerMinorIsWelcome) {
  Cluster cluster;
  v1::NodeHello hello;
  hello.mutable_info()->set_id("0123");
  hello.mutable_protocol()->set_major(1);
  hello.mutable_protocol()->set_minor(99);

  const auto welcome = cluster.scheduler()->NodeConnected(hello, 1 << 20, [] {});

  ASSERT_TRUE(welcome.ok()) << welcome.status();
  EXPECT_EQ(welcome->protocol().major(), 1);
}

TEST(FaultsTest, ADegradedNodeGetsNoNewWork) {
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

TEST(FaultsTest, AGangThatNobodyKnowsIsStopped) {
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

TEST(FaultsTest, AStaleAttemptIsStoppedAndDoesNotTouchTheCurrentOne) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  v1::JobSpec spec = MakeSpec(1, 1);
  spec.mutable_restart()->set_max_restarts(1);
  const std::string id = cluster.Submit(spec);
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

TEST(FaultsTest, ARepeatedExitReportIsAcknowledgedAgain) {
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

TEST(FaultsTest, ExitsAreNotAcknowledgedBeforeTheyAreDurable) {
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

TEST(FaultsTest, AFailedGangIsStoppedThoughTheDiskIsFull) {
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

TEST(FaultsTest, ATimeoutStopsTheGangThoughTheDiskIsFull) {
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

TEST(FaultsTest, ARefusedStartEndsThePartThoughItsReportWasFaster) {
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

TEST(FaultsTest, AGangThatAnAgentNoLongerKnowsIsStopped) {
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

TEST(FaultsTest, AStopIsRepeatedUntilTheAgentTakesIt) {
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

TEST(FaultsTest, AFailedAttemptWaitsForALostNodeBeforeTheNext) {
  Cluster cluster;
  FakeAgent* const one = cluster.AddNode("node-1", 1);
  FakeAgent* const two = cluster.AddNode("node-2", 1);
  v1::JobSpec spec = MakeSpec(2, 1);
  spec.mutable_restart()->set_max_restarts(1);
  const std::string id = cluster.Submit(spec);

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

TEST(FaultsTest, ACancelledJobGivesUpALostNodeAndStopsItsRanksLater) {
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

TEST(FaultsTest, ASchedulerThatDiesWhileReservingReleasesAndBeginsAgain) {
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

TEST(FaultsTest, ASchedulerThatDiesWhileStartingStartsAgain) {
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

TEST(FaultsTest, ASchedulerThatDiesWhileRunningGoesOn) {
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

TEST(FaultsTest, ASchedulerThatDiesWhileStoppingGoesOnStopping) {
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

TEST(FaultsTest, ASchedulerThatDiesWhileAJobBacksOffKeepsTheDelay) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  v1::JobSpec spec = MakeSpec(1, 1);
  spec.mutable_restart()->set_max_restarts(1);
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

TEST(FaultsTest, WhatIsOnlyInMemoryWhenTheSchedulerDiesIsToldAgain) {
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

}  // namespace
}  // namespace muster
