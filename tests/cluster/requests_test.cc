// Submits that are repeated, cancels at every moment, and names that are not unique.
#include "common/job/exit_result.h"
#include "common/rpc/error_details.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cluster/cluster.h"

namespace muster {
namespace {

using ::testing::HasSubstr;

TEST(SubmitTest, TheSameRequestIdGivesTheSameJob) {
  Cluster cluster;
  const std::string id = cluster.Submit(MakeSpec(1, 1), "r-1");

  EXPECT_EQ(cluster.Submit(MakeSpec(1, 1), "r-1"), id);
  cluster.RestartScheduler(/*reconnect=*/true);
  EXPECT_EQ(cluster.Submit(MakeSpec(1, 1), "r-1"), id);
  EXPECT_EQ(cluster.scheduler()->List({})->jobs_size(), 1);
}

TEST(SubmitTest, ARepeatBeforeTheFirstIsDurableWaitsForIt) {
  Cluster cluster;
  cluster.store()->Hold(true);
  v1::SubmitJobRequest request;
  *request.mutable_spec() = MakeSpec(1, 1);
  request.set_request_id("r-1");
  std::vector<std::string> ids;
  for (int i = 0; i < 2; ++i) {
    cluster.scheduler()->Submit(request, "me",
                                [&ids](const auto& job) { ids.push_back(job->id()); });
  }
  cluster.Settle();
  EXPECT_TRUE(ids.empty());
  cluster.store()->Hold(false);
  cluster.Settle();

  ASSERT_EQ(ids.size(), 2U);
  EXPECT_EQ(ids[0], ids[1]);
}

TEST(SubmitTest, TheSameRequestIdWithAnotherSpecIsRefused) {
  Cluster cluster;
  cluster.Submit(MakeSpec(1, 1), "r-1");

  EXPECT_TRUE(absl::IsAlreadyExists(cluster.TrySubmit(MakeSpec(1, 2), "r-1").status()));
}

TEST(SubmitTest, ARequestIdIsForgottenAfterADay) {
  Cluster cluster;
  const std::string id = cluster.Submit(MakeSpec(1, 1), "r-1");
  cluster.clock()->Advance(absl::Hours(25));
  cluster.Settle();

  EXPECT_NE(cluster.Submit(MakeSpec(1, 1), "r-1"), id);
}

TEST(SubmitTest, ARequestIdIsKnownForADayAlsoToTheNextScheduler) {
  Cluster cluster;
  const std::string id = cluster.Submit(MakeSpec(1, 1), "r-1");
  ASSERT_TRUE(cluster.Cancel(id).ok());
  cluster.clock()->Advance(absl::Hours(23));
  cluster.Settle();

  cluster.RestartScheduler(/*reconnect=*/true);
  EXPECT_EQ(cluster.Submit(MakeSpec(1, 1), "r-1"), id);
  EXPECT_TRUE(absl::IsAlreadyExists(cluster.TrySubmit(MakeSpec(1, 2), "r-1").status()));
}

TEST(CancelTest, ARepeatFindsWhatTheFirstHasDone) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  node->obey_stop = false;
  const std::string id = cluster.Submit(MakeSpec(1, 1));
  ASSERT_TRUE(cluster.Cancel(id).ok());
  cluster.RestartScheduler(/*reconnect=*/true);
  ASSERT_TRUE(cluster.Cancel(id).ok());
  node->ExitAll({id, 0}, KilledBy(15));
  cluster.Settle();

  EXPECT_EQ(cluster.Cancel(id)->status().state(), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(cluster.Get(id).status().attempts_size(), 1);
}

TEST(SubmitTest, BadSpecsAreRefusedWithEveryFault) {
  Cluster cluster;
  v1::JobSpec spec = MakeSpec(1, 1);
  spec.set_name("Not A Name");
  spec.set_priority(5000);

  const absl::Status status = cluster.TrySubmit(spec, "r-1").status();

  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(DetailsOf(status).errors_size(), 2);
}

TEST(SubmitTest, ARequestIdIsRequired) {
  Cluster cluster;
  EXPECT_TRUE(absl::IsInvalidArgument(cluster.TrySubmit(MakeSpec(1, 1), "").status()));
}

TEST(CancelTest, WhileQueued) {
  Cluster cluster;
  const std::string id = cluster.Submit(MakeSpec(1, 1));  // No node.

  const absl::StatusOr<v1::Job> job = cluster.Cancel(id);

  ASSERT_TRUE(job.ok());
  EXPECT_EQ(job->status().state(), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(job->status().exit_code(), 130);
}

TEST(CancelTest, WhileReserving) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  node->hold_reserve = true;
  const std::string id = cluster.Submit(MakeSpec(1, 1));
  ASSERT_EQ(cluster.State(id), v1::JOB_STATE_RESERVING);

  EXPECT_EQ(cluster.Cancel(id)->status().state(), v1::JOB_STATE_CANCELLED);
  node->ReleaseHeld();
  cluster.Settle();

  EXPECT_EQ(node->CountAsked("release"), 1);
  EXPECT_EQ(node->CountAsked("start"), 0);
}

TEST(CancelTest, WhileStarting) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  node->run_at_once = false;
  const std::string id = cluster.Submit(MakeSpec(1, 1));
  ASSERT_EQ(cluster.State(id), v1::JOB_STATE_STARTING);

  EXPECT_EQ(cluster.Cancel(id)->status().state(), v1::JOB_STATE_STOPPING);
  cluster.Settle();

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_CANCELLED);
}

TEST(CancelTest, WhileAStartIsUnanswered) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  node->start_answer = absl::UnavailableError("the connection broke");
  const std::string id = cluster.Submit(MakeSpec(1, 1));
  ASSERT_EQ(cluster.State(id), v1::JOB_STATE_STARTING);

  ASSERT_TRUE(cluster.Cancel(id).ok());
  cluster.Settle();

  // The agent knows nothing of it: there is nothing to wait for.
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_CANCELLED);
  EXPECT_TRUE(cluster.Get(id).status().attempts(0).ranks(0).exit().has_not_started());
}

TEST(CancelTest, WhileRunning) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 2);
  const std::string id = cluster.Submit(MakeSpec(1, 2));

  ASSERT_TRUE(cluster.Cancel(id).ok());
  cluster.Settle();

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(node->CountAsked("stop"), 1);
}

TEST(CancelTest, WhileAFailureIsBeingStoppedEndsWithoutARestart) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 2);
  v1::JobSpec spec = MakeSpec(1, 2);
  spec.mutable_restart()->set_max_restarts(3);
  const std::string id = cluster.Submit(spec);
  node->obey_stop = false;
  node->Exit({id, 0}, "worker", 0, ExitedWith(1));
  cluster.Settle();
  ASSERT_EQ(cluster.State(id), v1::JOB_STATE_STOPPING);

  ASSERT_TRUE(cluster.Cancel(id).ok());
  ASSERT_TRUE(cluster.Cancel(id).ok());  // Again.
  node->ExitAll({id, 0}, KilledBy(9));
  cluster.Advance(absl::Seconds(5));

  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(cluster.Get(id).status().attempts_size(), 1);
}

TEST(CancelTest, AFinalJobStaysAsItIs) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  const std::string id = cluster.Submit(MakeSpec(1, 1));
  node->ExitAll({id, 0}, ExitedWith(0));
  cluster.Settle();

  EXPECT_EQ(cluster.Cancel(id)->status().state(), v1::JOB_STATE_SUCCEEDED);
}

TEST(CancelTest, IsNotAnsweredBeforeItIsDurable) {
  Cluster cluster;
  const std::string id = cluster.Submit(MakeSpec(1, 1));
  cluster.store()->Hold(true);
  bool answered = false;
  v1::CancelJobRequest request;
  request.set_job_id(id);
  cluster.scheduler()->Cancel(request, [&answered](const auto&) { answered = true; });
  cluster.Settle();
  EXPECT_FALSE(answered);

  cluster.store()->Hold(false);
  cluster.Settle();
  EXPECT_TRUE(answered);
}

TEST(CancelTest, StopsTheRanksThoughTheDiskIsFull) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  const std::string id = cluster.Submit(MakeSpec(1, 1));
  cluster.store()->SetFull(true);
  bool answered = false;
  v1::CancelJobRequest request;
  request.set_job_id(id);
  cluster.scheduler()->Cancel(request, [&answered](const auto&) { answered = true; });
  cluster.Settle();
  EXPECT_EQ(node->CountAsked("stop"), 1);
  EXPECT_FALSE(answered);

  cluster.store()->SetFull(false);
  cluster.Settle();
  EXPECT_TRUE(answered);
  EXPECT_EQ(cluster.State(id), v1::JOB_STATE_CANCELLED);
}

TEST(LookUpTest, APrefixMustBeUnique) {
  Cluster cluster;
  const std::string id = cluster.Submit(MakeSpec(1, 1));
  cluster.Submit(MakeSpec(1, 1));

  EXPECT_EQ(cluster.scheduler()->Get(id)->id(), id);
  const absl::Status ambiguous = cluster.scheduler()->Get("train").status();
  EXPECT_TRUE(absl::IsFailedPrecondition(ambiguous));
  EXPECT_THAT(std::string(ambiguous.message()), HasSubstr(id));
  EXPECT_TRUE(absl::IsNotFound(cluster.scheduler()->Get("nope").status()));
  EXPECT_TRUE(absl::IsNotFound(cluster.scheduler()->Get("").status()));
}

TEST(ListTest, PagesNewestFirst) {
  Cluster cluster;
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    ids.push_back(cluster.Submit(MakeSpec(1, 1)));
    cluster.Advance(absl::Seconds(1));
  }
  v1::ListJobsRequest request;
  request.set_page_size(2);
  std::vector<std::string> seen;
  do {
    const v1::ListJobsResponse page = *cluster.scheduler()->List(request);
    for (const v1::Job& job : page.jobs()) seen.push_back(job.id());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());

  EXPECT_EQ(seen, std::vector<std::string>(ids.rbegin(), ids.rend()));
  request.set_page_token("nonsense");
  EXPECT_TRUE(absl::IsInvalidArgument(cluster.scheduler()->List(request).status()));
}

TEST(ListTest, APageHasABoundInBytes) {
  Cluster cluster;
  v1::JobSpec spec = MakeSpec(1, 1);
  (*spec.mutable_env())["BIG"] = std::string(100000, 'x');
  for (int i = 0; i < 50; ++i) cluster.Submit(spec);
  v1::ListJobsRequest request;
  std::vector<int> pages;
  do {
    const v1::ListJobsResponse page = *cluster.scheduler()->List(request);
    EXPECT_LE(page.ByteSizeLong(), size_t{2200000});
    pages.push_back(page.jobs_size());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());

  EXPECT_EQ(pages, (std::vector<int>{20, 20, 10}));
}

TEST(WatchTest, SeesEveryDurableStateInOrderAndTheLastOne) {
  Cluster cluster;
  FakeAgent* const node = cluster.AddNode("node-1", 1);
  node->hold_reserve = true;
  const std::string id = cluster.Submit(MakeSpec(1, 1));
  std::vector<v1::JobState> states;
  int64_t version = 0;
  const uint64_t watch = *cluster.scheduler()->Watch(id, [&](const v1::Job& job) {
    EXPECT_GT(job.status().version(), version);
    version = job.status().version();
    if (states.empty() || states.back() != job.status().state()) {
      states.push_back(job.status().state());
    }
  });
  node->ReleaseHeld();
  cluster.Settle();
  node->ExitAll({id, 0}, ExitedWith(0));
  cluster.Settle();
  cluster.scheduler()->Unwatch(watch);

  EXPECT_EQ(states, (std::vector<v1::JobState>{v1::JOB_STATE_RESERVING, v1::JOB_STATE_STARTING,
                                               v1::JOB_STATE_RUNNING, v1::JOB_STATE_SUCCEEDED}));
}

}  // namespace
}  // namespace muster
