// What every StateStore promises, whatever it writes to.
#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/scheduler/store/store_rig.h"

namespace muster {
namespace {

struct Kind {
  const char* name;
  std::unique_ptr<StoreRig> (*make)();
};

class StoreContractTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    rig_ = GetParam().make();
    if (rig_ == nullptr) GTEST_SKIP() << "not installed here";
    const absl::StatusOr<StoredState> first = rig_->Reopen();
    ASSERT_TRUE(first.ok()) << first.status();
    first_epoch_ = first->epoch;
  }
  StoredState Reload() {
    absl::StatusOr<StoredState> state = rig_->Reopen();
    EXPECT_TRUE(state.ok()) << state.status();
    return state.ok() ? *std::move(state) : StoredState();
  }

  std::unique_ptr<StoreRig> rig_;
  int64_t first_epoch_ = 0;
};

TEST_P(StoreContractTest, KeepsOrdersForNodesUntilTheyAreTakenBack) {
  StateBatch batch;
  batch.put_nodes.push_back({"id-1", /*cordoned=*/true, /*draining=*/false, "bad cable"});
  batch.put_nodes.push_back({"id-2", /*cordoned=*/true, /*draining=*/true, "é\t"});
  ASSERT_TRUE(rig_->Commit(std::move(batch)).ok());
  StoredState state = Reload();
  ASSERT_EQ(state.nodes.size(), 2U);
  EXPECT_EQ(state.nodes[0].node_id, "id-1");
  EXPECT_FALSE(state.nodes[0].draining);
  EXPECT_TRUE(state.nodes[1].draining);
  EXPECT_EQ(state.nodes[1].reason, "é\t");

  StateBatch undo;
  undo.put_nodes.push_back({"id-1", false, false, ""});
  ASSERT_TRUE(rig_->Commit(std::move(undo)).ok());
  state = Reload();
  ASSERT_EQ(state.nodes.size(), 1U);
  EXPECT_EQ(state.nodes[0].node_id, "id-2");
}

TEST_P(StoreContractTest, GivesBackWhatWasCommitted) {
  StateBatch batch = Put(MakeRecord("a-1"));
  batch.put_jobs[0].stop_cause = StopCause::kCancelled;
  batch.put_jobs[0].stop_reason = "cancelled: no need";
  batch.put_jobs.push_back(MakeRecord("b-1"));
  batch.put_requests.push_back({"r/1 é", "a-1", absl::FromUnixSeconds(1700000000)});
  ASSERT_TRUE(rig_->Commit(std::move(batch)).ok());
  StateBatch removal;
  removal.remove_jobs.push_back("b-1");
  ASSERT_TRUE(rig_->Commit(std::move(removal)).ok());
  const StoredState state = Reload();

  ASSERT_EQ(state.jobs.size(), 1U);
  EXPECT_EQ(state.jobs[0].job.id(), "a-1");
  EXPECT_EQ(state.jobs[0].stop_cause, StopCause::kCancelled);
  EXPECT_EQ(state.jobs[0].stop_reason, "cancelled: no need");
  ASSERT_EQ(state.requests.size(), 1U);
  EXPECT_EQ(state.requests[0].request_id, "r/1 é");
  EXPECT_EQ(state.requests[0].job_id, "a-1");
  EXPECT_EQ(state.requests[0].made, absl::FromUnixSeconds(1700000000));
}

TEST_P(StoreContractTest, EveryLoadHasAHigherEpoch) {
  const int64_t second = Reload().epoch;
  EXPECT_GT(first_epoch_, 0);
  EXPECT_GT(second, first_epoch_);
  EXPECT_GT(Reload().epoch, second);
}

TEST_P(StoreContractTest, ForgetsOldRequests) {
  StateBatch batch;
  batch.put_requests.push_back({"old", "a-1", absl::FromUnixSeconds(100)});
  batch.put_requests.push_back({"new", "a-1", absl::FromUnixSeconds(200)});
  ASSERT_TRUE(rig_->Commit(std::move(batch)).ok());
  StateBatch forget;
  forget.forget_requests_before = absl::FromUnixSeconds(150);
  ASSERT_TRUE(rig_->Commit(std::move(forget)).ok());
  const StoredState state = Reload();

  ASSERT_EQ(state.requests.size(), 1U);
  EXPECT_EQ(state.requests[0].request_id, "new");
}

TEST_P(StoreContractTest, ForgettingAndPuttingInOneTurnGoTogether) {
  StateBatch batch;
  batch.put_requests.push_back({"r-1", "a-1", absl::FromUnixSeconds(200)});
  StateBatch forget;
  forget.forget_requests_before = absl::FromUnixSeconds(150);
  forget.put_requests.push_back({"older", "a-1", absl::FromUnixSeconds(100)});
  StateBatch after;
  after.put_requests.push_back({"r-2", "a-1", absl::FromUnixSeconds(201)});
  auto first = rig_->Begin(std::move(batch));
  auto second = rig_->Begin(std::move(forget));
  EXPECT_TRUE(rig_->Commit(std::move(after)).ok());

  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(second.get().ok());
  std::set<std::string> left;
  for (const RequestRecord& request : Reload().requests) left.insert(request.request_id);
  EXPECT_EQ(left, std::set<std::string>({"r-1", "r-2"}));
}

TEST_P(StoreContractTest, AnswersInOrderAndBarriersLast) {
  std::vector<std::future<absl::Status>> answers;
  for (int i = 0; i < 3; ++i) {
    answers.push_back(rig_->Begin(Put(MakeRecord(absl::StrCat("j-", i)))));
  }
  EXPECT_TRUE(rig_->Commit({}).ok());

  for (const std::future<absl::Status>& answer : answers) {
    EXPECT_EQ(answer.wait_for(std::chrono::seconds(0)), std::future_status::ready);
  }
}

TEST_P(StoreContractTest, TheLastOfSeveralWritesOfOneTurnCounts) {
  std::vector<std::future<absl::Status>> answers;
  rig_->OnLoop([] {});
  for (size_t i = 1; i <= 5; ++i) answers.push_back(rig_->Begin(Put(MakeRecord("j-1", i))));
  for (std::future<absl::Status>& answer : answers) EXPECT_TRUE(answer.get().ok());
  const StoredState state = Reload();

  ASSERT_EQ(state.jobs.size(), 1U);
  EXPECT_EQ(state.jobs[0].job.status().reason().size(), 5U);
}

TEST_P(StoreContractTest, ALongJobComesBackWholeAlsoWhenItWasWrittenAgain) {
  ASSERT_TRUE(rig_->Commit(Put(MakeRecord("long-1", size_t{3} << 20))).ok());
  ASSERT_TRUE(rig_->Commit(Put(MakeRecord("long-1", (size_t{3} << 20) + 7))).ok());
  ASSERT_TRUE(rig_->Commit(Put(MakeRecord("long-2", size_t{2} << 20))).ok());
  ASSERT_TRUE(rig_->Commit(Put(MakeRecord("long-2", 10))).ok());
  const StoredState state = Reload();

  ASSERT_EQ(state.jobs.size(), 2U);
  EXPECT_EQ(state.jobs[0].job.status().reason(), std::string((size_t{3} << 20) + 7, 'x'));
  EXPECT_EQ(state.jobs[1].job.status().reason(), std::string(10, 'x'));
}

TEST_P(StoreContractTest, KeepsThousandsAndRemovesThem) {
  constexpr int kJobs = 1500;
  std::vector<std::future<absl::Status>> answers;
  StateBatch removal;
  for (int i = 0; i < kJobs; ++i) {
    const std::string id = absl::StrCat("j-", i);
    StateBatch batch = Put(MakeRecord(id, 2000));
    batch.put_requests.push_back({absl::StrCat("r-", i), id, absl::FromUnixSeconds(i)});
    answers.push_back(rig_->Begin(std::move(batch)));
    if (i > 0) removal.remove_jobs.push_back(id);
  }
  for (std::future<absl::Status>& answer : answers) ASSERT_TRUE(answer.get().ok());
  const StoredState full = Reload();
  EXPECT_EQ(full.jobs.size(), static_cast<size_t>(kJobs));
  EXPECT_EQ(full.requests.size(), static_cast<size_t>(kJobs));
  ASSERT_TRUE(rig_->Commit(std::move(removal)).ok());

  EXPECT_EQ(Reload().jobs.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreContractTest,
                         testing::Values(Kind{"Memory", &MakeMemoryRig},
                                         Kind{"Sqlite", &MakeSqliteRig},
                                         Kind{"FakeEtcd", &MakeFakeEtcdRig},
                                         Kind{"RealEtcd", &MakeRealEtcdRig}),
                         [](const testing::TestParamInfo<Kind>& kind) { return kind.param.name; });

}  // namespace
}  // namespace muster
