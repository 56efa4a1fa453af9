// Gangs that may have more or fewer hosts: how they start, shrink, grow and are scaled.
#include "absl/strings/str_cat.h"
#include "common/job/exit_result.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cluster/cluster.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr absl::Duration kElastic = absl::Seconds(30);

class ElasticTest : public testing::Test {
 protected:
  // node-1 to node-COUNT, one device each.
  void AddNodes(int count) {
    for (int i = 1; i <= count; ++i) {
      const std::string name = absl::StrCat("node-", ++nodes_);
      cluster_.AddFencedNode(name, 1);
    }
  }
  FakeAgent* Node(int number) { return cluster_.node(absl::StrCat("node-", number)); }

  // May never restart by itself.
  std::string Submit(int min, int max) {
    v1::JobSpec spec = MakeSpec(min, 1);
    spec.mutable_nodes()->set_max(max);
    return cluster_.Submit(spec);
  }

  absl::StatusOr<v1::Job> TryScale(const std::string& id, int min, int max,
                                   const std::string& request_id) {
    v1::ScaleJobRequest request;
    request.set_job_id(id);
    request.mutable_nodes()->set_min(min);
    request.mutable_nodes()->set_max(max);
    request.set_request_id(request_id);
    absl::StatusOr<v1::Job> answer = absl::UnknownError("no answer");
    cluster_.scheduler()->Scale(request, "tester", [&answer](const auto& job) { answer = job; });
    cluster_.Settle();
    return answer;
  }

  // Hosts of the current attempt, by node rank.
  std::vector<std::string> Hosts(const std::string& id) {
    const v1::Job job = cluster_.Get(id);
    std::vector<std::string> names;
    if (job.status().attempts().empty()) return names;
    for (const auto& node : job.status().attempts().rbegin()->placement().nodes()) {
      names.push_back(node.node_name());
    }
    return names;
  }
  v1::JobState State(const std::string& id) { return cluster_.State(id); }
  int Attempts(const std::string& id) { return cluster_.Get(id).status().attempts_size(); }
  std::string Reason(const std::string& id) { return cluster_.Get(id).status().reason(); }
  v1::PlannedEnd EndOf(const std::string& id, int attempt) {
    return cluster_.Get(id).status().attempts(attempt).planned_end();
  }

  Cluster cluster_;
  int nodes_ = 0;
};

TEST_F(ElasticTest, StartsAtOnceWithTheMost) {
  AddNodes(4);
  const std::string id = Submit(2, 4);
  EXPECT_EQ(State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(Hosts(id).size(), 4U);
}

TEST_F(ElasticTest, StartsWithTheLeastAfterItsTimeout) {
  AddNodes(3);
  const std::string id = Submit(2, 4);
  EXPECT_EQ(State(id), v1::JOB_STATE_QUEUED);
  EXPECT_THAT(Reason(id), StartsWith("3 of 2:4 hosts are ready; waits until "));
  EXPECT_THAT(Reason(id), HasSubstr(" UTC or for 1 more"));

  cluster_.Advance(kElastic - absl::Seconds(1));
  EXPECT_EQ(State(id), v1::JOB_STATE_QUEUED);
  cluster_.Advance(absl::Seconds(1));

  EXPECT_EQ(State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(Hosts(id).size(), 3U);
}

TEST_F(ElasticTest, TheLastHostEndsTheWait) {
  AddNodes(3);
  const std::string id = Submit(2, 4);
  cluster_.Advance(absl::Seconds(10));
  AddNodes(1);
  EXPECT_EQ(State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(Hosts(id).size(), 4U);
}

TEST_F(ElasticTest, TheWaitBeginsWhenTheLeastAreThere) {
  AddNodes(2);
  cluster_.Order(NodeOrder::Kind::kCordon, "node-2");
  const std::string id = Submit(2, 4);
  cluster_.Advance(absl::Minutes(5));
  EXPECT_EQ(State(id), v1::JOB_STATE_QUEUED);
  cluster_.Order(NodeOrder::Kind::kUncordon, "node-2");
  EXPECT_THAT(Reason(id), StartsWith("2 of 2:4 hosts are ready"));
  cluster_.Advance(kElastic);
  EXPECT_EQ(Hosts(id).size(), 2U);
}

TEST_F(ElasticTest, NobodyBehindItTakesTheRoomThatItWaitsWith) {
  AddNodes(3);
  const std::string id = Submit(2, 4);
  cluster_.Advance(absl::Seconds(1));
  const std::string later = cluster_.Submit(MakeSpec(1, 1));
  cluster_.Advance(absl::Seconds(5));
  EXPECT_EQ(State(later), v1::JOB_STATE_QUEUED);
  cluster_.Advance(kElastic);
  EXPECT_EQ(Hosts(id).size(), 3U);
}

TEST_F(ElasticTest, ALostHostIsDoneWithoutAtTheCostOfNoRestartOfTheProgram) {
  AddNodes(4);
  const std::string id = Submit(2, 4);

  Node(2)->Disconnect();
  cluster_.Advance(kFencedAfter + absl::Seconds(5));

  EXPECT_EQ(State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(Attempts(id), 2);
  EXPECT_THAT(Hosts(id), ElementsAre("node-1", "node-3", "node-4"));  // Ranks in their order.
  EXPECT_THAT(cluster_.Get(id).status().attempts(0).first_cause().summary(),
              StartsWith("host node-2 lost"));
}

TEST_F(ElasticTest, TheHostOfTheRendezvousStoreMayBeTheOneThatIsLost) {
  AddNodes(4);
  const std::string id = Submit(2, 4);

  Node(1)->Disconnect();
  cluster_.Advance(absl::Seconds(2));
  // Their store is gone: the others fail long before anybody knows why.
  for (int i = 2; i <= 4; ++i) Node(i)->ExitAll({id, 0}, ExitedWith(1));
  cluster_.Advance(kFencedAfter + absl::Seconds(5));

  EXPECT_EQ(State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(Attempts(id), 2);
  EXPECT_THAT(Hosts(id), ElementsAre("node-2", "node-3", "node-4"));
  EXPECT_THAT(cluster_.Get(id).status().attempts(0).first_cause().summary(),
              StartsWith("host node-1 lost"));
}

TEST_F(ElasticTest, ASpareHostReplacesALostOneAtOnce) {
  AddNodes(5);
  const std::string id = Submit(2, 4);
  ASSERT_EQ(Hosts(id).size(), 4U);

  Node(3)->Disconnect();
  cluster_.Advance(kFencedAfter + absl::Seconds(1));

  EXPECT_THAT(Hosts(id), ElementsAre("node-1", "node-2", "node-5", "node-4"));
}

TEST_F(ElasticTest, OneHostMoreThanTheMostIsASpare) {
  AddNodes(4);
  const std::string id = Submit(2, 4);
  AddNodes(1);
  cluster_.Advance(absl::Minutes(10));
  EXPECT_EQ(State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(Attempts(id), 1);
  EXPECT_EQ(Node(5)->CountAsked("reserve"), 0);
}

TEST_F(ElasticTest, TooFewHostsAreWaitedFor) {
  AddNodes(2);
  v1::JobSpec spec = MakeSpec(2, 1);
  spec.mutable_nodes()->set_max(4);
  spec.mutable_timeouts()->mutable_elastic()->set_seconds(1);
  const std::string id = cluster_.Submit(spec);
  cluster_.Advance(absl::Seconds(2));
  ASSERT_EQ(State(id), v1::JOB_STATE_RUNNING);

  Node(2)->Disconnect();
  cluster_.Advance(kFencedAfter + absl::Minutes(1));
  EXPECT_EQ(State(id), v1::JOB_STATE_QUEUED);
  ASSERT_TRUE(Node(2)->Connect(cluster_.scheduler()).ok());
  cluster_.Advance(absl::Seconds(3));

  EXPECT_EQ(State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(Attempts(id), 2);
}

TEST_F(ElasticTest, ADrainedHostIsDoneWithoutAtOnce) {
  AddNodes(4);
  const std::string id = Submit(2, 4);

  cluster_.Order(NodeOrder::Kind::kDrain, "node-3", /*now=*/true);
  cluster_.Advance(absl::Seconds(1));

  EXPECT_EQ(State(id), v1::JOB_STATE_RUNNING);
  EXPECT_THAT(Hosts(id), ElementsAre("node-1", "node-2", "node-4"));
  EXPECT_EQ(EndOf(id, 0), v1::PLANNED_END_DRAINED);
  EXPECT_EQ(cluster_.Get(id).status().restarts(), 0);
}

TEST_F(ElasticTest, ACordonedHostKeepsItsRanks) {
  AddNodes(4);
  const std::string id = Submit(2, 4);
  cluster_.Order(NodeOrder::Kind::kCordon, "node-3");
  cluster_.Advance(absl::Minutes(5));
  EXPECT_EQ(Attempts(id), 1);
}

TEST_F(ElasticTest, ANewHostMakesTheGangGrow) {
  AddNodes(3);
  const std::string id = Submit(2, 4);
  cluster_.Advance(kElastic + absl::Minutes(1));
  ASSERT_EQ(Hosts(id).size(), 3U);

  AddNodes(1);
  cluster_.Advance(absl::Seconds(1));

  EXPECT_EQ(State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(Attempts(id), 2);
  EXPECT_THAT(Hosts(id), ElementsAre("node-1", "node-2", "node-3", "node-4"));
  const v1::Job job = cluster_.Get(id);
  EXPECT_EQ(job.status().attempts(0).planned_end(), v1::PLANNED_END_RESIZED);
  EXPECT_EQ(job.status().attempts(0).first_cause().summary(), "goes on with 4 hosts in place of 3");
  EXPECT_EQ(job.status().restarts(), 0);
}

TEST_F(ElasticTest, ItGrowsOnceForHostsThatComeOneAfterTheOther) {
  AddNodes(2);
  const std::string id = Submit(2, 4);
  cluster_.Advance(kElastic + absl::Minutes(1));
  ASSERT_EQ(Hosts(id).size(), 2U);

  AddNodes(1);
  cluster_.Advance(absl::Seconds(10));
  EXPECT_EQ(Attempts(id), 1);
  AddNodes(1);
  cluster_.Advance(absl::Seconds(1));

  EXPECT_EQ(Attempts(id), 2);
  EXPECT_EQ(Hosts(id).size(), 4U);
}

TEST_F(ElasticTest, ItGrowsToFewerThanTheMostAfterItsTimeout) {
  AddNodes(2);
  const std::string id = Submit(2, 4);
  cluster_.Advance(kElastic + absl::Minutes(1));
  AddNodes(1);
  cluster_.Advance(kElastic - absl::Seconds(1));
  EXPECT_EQ(Attempts(id), 1);
  cluster_.Advance(absl::Seconds(2));
  EXPECT_EQ(Attempts(id), 2);
  EXPECT_EQ(Hosts(id).size(), 3U);
}

TEST_F(ElasticTest, ItDoesNotGrowSoonAfterItsStart) {
  AddNodes(3);
  const std::string id = Submit(2, 4);
  cluster_.Advance(kElastic);
  ASSERT_EQ(State(id), v1::JOB_STATE_RUNNING);
  AddNodes(1);
  cluster_.Advance(kElastic - absl::Seconds(2));
  EXPECT_EQ(Attempts(id), 1);
  cluster_.Advance(absl::Seconds(3));
  EXPECT_EQ(Attempts(id), 2);
}

TEST_F(ElasticTest, ItGrowsByNothingThatAWaitingJobCouldUse) {
  AddNodes(3);
  const std::string other = cluster_.Submit(MakeSpec(1, 1));
  const std::string id = Submit(2, 3);
  cluster_.Advance(kElastic + absl::Minutes(1));
  ASSERT_EQ(Hosts(id).size(), 2U);
  const std::string waiting = cluster_.Submit(MakeSpec(2, 1));
  ASSERT_EQ(State(waiting), v1::JOB_STATE_QUEUED);

  cluster_.node(Hosts(other)[0])->ExitAll({other, 0}, ExitedWith(0));
  cluster_.Advance(absl::Minutes(2));
  EXPECT_EQ(Attempts(id), 1);
  ASSERT_TRUE(cluster_.Cancel(waiting).ok());
  cluster_.Advance(absl::Seconds(2));

  EXPECT_EQ(Hosts(id).size(), 3U);
}

TEST_F(ElasticTest, OneGangIsStoppedForOneNewHost) {
  AddNodes(4);
  const std::string first = Submit(2, 2);
  const std::string second = Submit(2, 2);
  ASSERT_TRUE(TryScale(first, 2, 3, "r1").ok());
  ASSERT_TRUE(TryScale(second, 2, 3, "r2").ok());
  cluster_.Advance(absl::Minutes(1));
  ASSERT_EQ(Attempts(first) + Attempts(second), 2);

  AddNodes(1);
  cluster_.Advance(absl::Minutes(2));
  EXPECT_EQ(Attempts(first) + Attempts(second), 3);
  EXPECT_EQ(Hosts(first).size() + Hosts(second).size(), 5U);
  AddNodes(1);
  cluster_.Advance(absl::Minutes(2));

  EXPECT_EQ(Attempts(first) + Attempts(second), 4);
  EXPECT_EQ(Hosts(first).size() + Hosts(second).size(), 6U);
}

TEST_F(ElasticTest, APendingMemberThatNeverAnswersIsLeftOut) {
  AddNodes(4);
  cluster_.Order(NodeOrder::Kind::kCordon, "node-4");
  const std::string id = Submit(2, 4);
  cluster_.Advance(kElastic + absl::Minutes(1));
  Node(4)->hold_reserve = true;
  cluster_.Order(NodeOrder::Kind::kUncordon, "node-4");
  ASSERT_EQ(State(id), v1::JOB_STATE_RESERVING);
  cluster_.Advance(absl::Minutes(2));

  EXPECT_EQ(State(id), v1::JOB_STATE_RUNNING);
  EXPECT_THAT(Hosts(id), ElementsAre("node-1", "node-2", "node-3"));
  EXPECT_EQ(cluster_.Get(id).status().restarts(), 0);
  const int attempts = Attempts(id);
  cluster_.Advance(absl::Minutes(5));
  EXPECT_EQ(Attempts(id), attempts);  // Nor does it disturb the gang again soon.
}

TEST_F(ElasticTest, APendingMemberThatDiesIsLeftOut) {
  AddNodes(3);
  const std::string id = Submit(2, 4);
  cluster_.Advance(kElastic + absl::Minutes(1));
  for (int i = 1; i <= 3; ++i) Node(i)->obey_stop = false;
  AddNodes(1);
  cluster_.Advance(absl::Seconds(1));
  ASSERT_EQ(State(id), v1::JOB_STATE_STOPPING);

  Node(4)->Disconnect();
  for (int i = 1; i <= 3; ++i) Node(i)->ExitAll({id, 0}, KilledBy(9));
  cluster_.Advance(absl::Seconds(5));

  EXPECT_EQ(State(id), v1::JOB_STATE_RUNNING);
  EXPECT_THAT(Hosts(id), ElementsAre("node-1", "node-2", "node-3"));
}

TEST_F(ElasticTest, RanksThatSayZeroToTheirStopHaveNotSucceeded) {
  AddNodes(3);
  const std::string id = Submit(2, 4);
  cluster_.Advance(kElastic + absl::Minutes(1));
  for (int i = 1; i <= 3; ++i) Node(i)->obey_stop = false;
  AddNodes(1);
  cluster_.Advance(absl::Seconds(1));
  v1::ExitResult saved = ExitedWith(0);  // A checkpoint was written.
  saved.set_stopped(true);
  for (int i = 1; i <= 3; ++i) Node(i)->ExitAll({id, 0}, saved);
  cluster_.Advance(absl::Seconds(1));

  EXPECT_EQ(State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(Hosts(id).size(), 4U);
}

TEST_F(ElasticTest, RankZeroMayFinishTenMinutesAfterTheOthers) {
  AddNodes(3);
  const std::string id = Submit(2, 4);
  cluster_.Advance(kElastic + absl::Minutes(1));
  Node(2)->ExitAll({id, 0}, ExitedWith(0));
  Node(3)->ExitAll({id, 0}, ExitedWith(0));
  AddNodes(1);  // Nothing to grow for any more.
  cluster_.Advance(absl::Minutes(5));
  Node(2)->Disconnect();  // Nor does it matter that a host goes that has done its part.
  cluster_.Advance(absl::Minutes(5));
  EXPECT_EQ(Attempts(id), 1);

  Node(1)->ExitAll({id, 0}, ExitedWith(0));
  cluster_.Settle();

  EXPECT_EQ(State(id), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(Attempts(id), 1);
}

TEST_F(ElasticTest, AFastLeaveAndRejoinCostsNoRestartOfTheProgram) {
  AddNodes(4);
  const std::string id = Submit(2, 4);

  cluster_.Advance(absl::Seconds(5));
  Node(2)->Reboot();
  cluster_.Advance(absl::Seconds(1));
  Node(1)->ExitAll({id, 0}, ExitedWith(1));  // Its peer is gone.
  cluster_.Settle();
  ASSERT_TRUE(Node(2)->Connect(cluster_.scheduler()).ok());
  cluster_.Advance(absl::Seconds(5));

  EXPECT_EQ(State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(Attempts(id), 2);
  EXPECT_THAT(Hosts(id), ElementsAre("node-1", "node-2", "node-3", "node-4"));
  EXPECT_THAT(cluster_.Get(id).status().attempts(0).first_cause().summary(),
              StartsWith("host node-2 lost"));
}

TEST_F(ElasticTest, AHostThatLeavesAndRejoinsAgainAndAgainUsesUpABudget) {
  AddNodes(3);
  v1::JobSpec spec = MakeSpec(2, 1);
  spec.mutable_nodes()->set_max(3);
  spec.mutable_restart()->set_max_host_restarts(2);
  const std::string id = cluster_.Submit(spec);
  int losses = 0;
  for (; losses < 6 && State(id) == v1::JOB_STATE_RUNNING; ++losses) {
    FakeAgent* const node = cluster_.node(Hosts(id).back());
    node->Reboot();
    cluster_.Advance(absl::Seconds(1));
    ASSERT_TRUE(node->Connect(cluster_.scheduler()).ok());
    cluster_.Advance(absl::Seconds(30));
  }
  EXPECT_EQ(State(id), v1::JOB_STATE_FAILED);
  EXPECT_EQ(losses, 3);
}

TEST_F(ElasticTest, ANewSchedulerWaitsForTheHostsToComeBack) {
  AddNodes(4);
  const std::string id = Submit(2, 4);
  cluster_.RestartScheduler(/*reconnect=*/false);
  for (int i = 1; i <= 4; ++i) {
    ASSERT_TRUE(Node(i)->Connect(cluster_.scheduler()).ok());
    cluster_.Advance(absl::Seconds(1));
  }
  EXPECT_EQ(State(id), v1::JOB_STATE_RUNNING);
  cluster_.Advance(absl::Minutes(5));
  EXPECT_EQ(Attempts(id), 1);
}

TEST_F(ElasticTest, ScaleDownGoesOnWithTheFirstHosts) {
  AddNodes(4);
  const std::string id = Submit(2, 4);
  const absl::StatusOr<v1::Job> scaled = TryScale(id, 2, 3, "r1");
  ASSERT_TRUE(scaled.ok()) << scaled.status();
  EXPECT_EQ(scaled->spec().nodes().max(), 3);
  cluster_.Advance(absl::Seconds(1));

  EXPECT_EQ(State(id), v1::JOB_STATE_RUNNING);
  EXPECT_THAT(Hosts(id), ElementsAre("node-1", "node-2", "node-3"));
  EXPECT_EQ(EndOf(id, 0), v1::PLANNED_END_RESIZED);
  EXPECT_EQ(cluster_.Get(id).status().submitted_nodes().max(), 4);
}

TEST_F(ElasticTest, ScaleUpGoesOnWithMoreHostsAtOnce) {
  AddNodes(4);
  const std::string id = Submit(2, 2);
  ASSERT_TRUE(TryScale(id, 4, 4, "r1").ok());
  cluster_.Advance(absl::Seconds(1));
  EXPECT_EQ(State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(Hosts(id).size(), 4U);
}

TEST_F(ElasticTest, ScaleLeavesAGangAloneThatIsWithinItsNewRange) {
  AddNodes(3);
  const std::string id = Submit(3, 3);
  ASSERT_TRUE(TryScale(id, 2, 4, "r1").ok());
  cluster_.Advance(absl::Minutes(1));
  EXPECT_EQ(Attempts(id), 1);
}

TEST_F(ElasticTest, AGangThatIsTooSmallRunsUntilItsHostsAreThere) {
  AddNodes(4);
  const std::string other = cluster_.Submit(MakeSpec(2, 1));
  const std::string id = Submit(2, 2);
  ASSERT_TRUE(TryScale(id, 4, 4, "r1").ok());
  cluster_.Advance(absl::Minutes(1));
  EXPECT_EQ(State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(Attempts(id), 1);
  for (const std::string& host : Hosts(other))
    cluster_.node(host)->ExitAll({other, 0}, ExitedWith(0));
  cluster_.Advance(absl::Seconds(1));
  EXPECT_EQ(Hosts(id).size(), 4U);
}

TEST_F(ElasticTest, ScaleOfAWaitingJobIsHeededAtOnce) {
  AddNodes(2);
  const std::string id = Submit(2, 4);
  ASSERT_EQ(State(id), v1::JOB_STATE_QUEUED);
  ASSERT_TRUE(TryScale(id, 1, 2, "r1").ok());
  EXPECT_EQ(State(id), v1::JOB_STATE_RUNNING);
}

TEST_F(ElasticTest, ScaleDuringTheReservationPlansAnew) {
  AddNodes(4);
  for (int i = 1; i <= 4; ++i) Node(i)->hold_reserve = true;
  const std::string id = Submit(4, 4);
  ASSERT_EQ(State(id), v1::JOB_STATE_RESERVING);
  ASSERT_TRUE(TryScale(id, 2, 2, "r1").ok());
  for (int i = 1; i <= 4; ++i) Node(i)->ReleaseHeld();
  cluster_.Advance(absl::Seconds(2));
  EXPECT_EQ(State(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(Hosts(id).size(), 2U);
  EXPECT_EQ(Attempts(id), 1);
}

TEST_F(ElasticTest, ALostReplyNeverScalesTwice) {
  AddNodes(4);
  const std::string id = Submit(4, 4);
  ASSERT_TRUE(TryScale(id, 2, 2, "r1").ok());
  cluster_.Advance(absl::Seconds(1));
  ASSERT_TRUE(TryScale(id, 3, 3, "r2").ok());
  cluster_.Advance(absl::Seconds(1));
  cluster_.RestartScheduler(/*reconnect=*/true);
  cluster_.Advance(absl::Seconds(1));

  const absl::StatusOr<v1::Job> again = TryScale(id, 2, 2, "r1");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->spec().nodes().max(), 3);
  cluster_.Advance(absl::Seconds(1));
  EXPECT_EQ(Hosts(id).size(), 3U);
  EXPECT_EQ(Attempts(id), 3);
  EXPECT_TRUE(absl::IsAlreadyExists(TryScale(id, 4, 4, "r1").status()));
}

TEST_F(ElasticTest, ASubmitThatIsSaidAgainIsStillTheSameJob) {
  AddNodes(2);
  const v1::JobSpec spec = MakeSpec(2, 1);
  const std::string id = cluster_.Submit(spec, "submit-1");
  ASSERT_TRUE(TryScale(id, 1, 1, "r1").ok());
  EXPECT_EQ(cluster_.Submit(spec, "submit-1"), id);
}

TEST_F(ElasticTest, ScaleRefusesWhatMakesNoSense) {
  AddNodes(2);
  const std::string id = Submit(1, 2);
  EXPECT_TRUE(absl::IsInvalidArgument(TryScale(id, 0, 2, "a").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(TryScale(id, 3, 2, "b").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(TryScale(id, 1, 2, "").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(TryScale(id, 5000, 5000, "c").status()));
  EXPECT_TRUE(absl::IsResourceExhausted(TryScale(id, 3, 3, "d").status()));
  EXPECT_TRUE(absl::IsNotFound(TryScale("no-such", 1, 1, "e").status()));
  ASSERT_TRUE(cluster_.Cancel(id).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(TryScale(id, 1, 1, "f").status()));
}

TEST_F(ElasticTest, ScaleHeedsTheHostsThatRolesName) {
  AddNodes(3);
  v1::JobSpec spec = MakeSpec(2, 1);
  spec.clear_ranks_per_node();
  spec.mutable_nodes()->set_max(3);
  v1::RoleSpec* const lead = spec.add_roles();
  lead->set_name("lead");
  lead->set_per_node(1);
  lead->set_node_ranks("0");
  v1::RoleSpec* const worker = spec.add_roles();
  worker->set_name("worker");
  worker->set_per_node(1);
  worker->set_node_ranks("1-");
  const std::string id = cluster_.Submit(spec);
  EXPECT_TRUE(absl::IsInvalidArgument(TryScale(id, 1, 1, "r1").status()));
  EXPECT_TRUE(TryScale(id, 2, 2, "r2").ok());
}

TEST_F(ElasticTest, ANewSchedulerGoesOnWithTheWaitForMore) {
  AddNodes(2);
  const std::string id = Submit(2, 4);
  for (int i = 0; i < 4; ++i) {
    cluster_.Advance(absl::Seconds(7));
    cluster_.RestartScheduler(/*reconnect=*/true);
    ASSERT_EQ(State(id), v1::JOB_STATE_QUEUED);
  }
  cluster_.Advance(absl::Seconds(3));

  EXPECT_EQ(State(id), v1::JOB_STATE_RUNNING);
}

TEST_F(ElasticTest, ANewSchedulerKnowsHowManyHostsAGangHad) {
  AddNodes(3);
  const std::string id = Submit(2, 3);
  ASSERT_EQ(Hosts(id).size(), 3U);
  Node(3)->Disconnect();
  cluster_.Advance(kFencedAfter + absl::Milliseconds(500));
  ASSERT_EQ(State(id), v1::JOB_STATE_QUEUED);

  cluster_.RestartScheduler(/*reconnect=*/false);
  ASSERT_TRUE(Node(1)->Connect(cluster_.scheduler()).ok());
  ASSERT_TRUE(Node(2)->Connect(cluster_.scheduler()).ok());
  cluster_.Advance(absl::Seconds(4));
  EXPECT_EQ(State(id), v1::JOB_STATE_RUNNING);
}

}  // namespace
}  // namespace muster
