#include "scheduler/store/etcd_store.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_etcd.h"
#include "tests/scheduler/store/store_rig.h"

namespace muster {
namespace {

// A leader's store on etcd in memory, in fake time. Its answers are kept.
class EtcdStoreTest : public testing::Test {
 protected:
  EtcdStoreTest() {
    etcd_.PutDirectly("/m/leader/1", "");
    epoch_ = etcd_.revision();
    client_ = etcd_.Connect();
    Open();
  }
  void Open() {
    EtcdStoreOptions options;
    options.prefix = "/m/state/";
    options.leader_key = "/m/leader/1";
    options.epoch = epoch_;
    options.on_fatal = [this](const absl::Status& status) { fatal_.push_back(status); };
    opening_ = OpenEtcdStore(options, &loop_, client_.get(),
                             [this](absl::StatusOr<std::unique_ptr<StateStore>> store) {
                               opened_ = store.status();
                               if (store.ok()) store_ = *std::move(store);
                             });
    Settle();
  }
  // The number under which its answer is kept.
  size_t Begin(StateBatch batch) {
    const size_t number = answers_.size();
    answers_.push_back(absl::UnknownError("no answer yet"));
    store_->Commit(std::move(batch),
                   [this, number](const absl::Status& status) { answers_[number] = status; });
    return number;
  }
  absl::Status Commit(StateBatch batch) {
    const size_t number = Begin(std::move(batch));
    Settle();
    return answers_[number];
  }
  static StateBatch Submit(const std::string& id) {
    StateBatch batch = Put(MakeRecord(id));
    batch.put_requests.push_back({"request-" + id, id, absl::FromUnixSeconds(1700000000)});
    batch.refuse_when_full = true;
    return batch;
  }
  bool Pending(size_t number) const { return absl::IsUnknown(answers_[number]); }
  bool Has(const std::string& text) const {
    for (const auto& [key, entry] : etcd_.entries()) {
      if (absl::StrContains(key, text)) return true;
    }
    return false;
  }
  void Settle() {
    while (loop_.RunDue()) {
    }
  }
  void Advance(absl::Duration duration) {
    for (absl::Duration passed; passed < duration; passed += absl::Milliseconds(10)) {
      clock_.Advance(absl::Milliseconds(10));
      Settle();
    }
  }

  FakeClock clock_;
  EventLoop loop_{&clock_};
  FakeEtcd etcd_{&loop_};
  int64_t epoch_ = 0;
  std::unique_ptr<Etcd> client_;
  std::unique_ptr<EtcdStream> opening_;
  absl::Status opened_ = absl::UnknownError("not opened");
  std::unique_ptr<StateStore> store_;
  std::vector<absl::Status> answers_;
  std::vector<absl::Status> fatal_;
};

TEST_F(EtcdStoreTest, OneWhoLeadsNoLongerWritesNoLonger) {
  ASSERT_TRUE(Commit(Submit("a-1")).ok());
  etcd_.PutDirectly("/m/leader/2", "");
  etcd_.RevokeAll();
  EtcdOp op;
  client_->Delete("/m/leader/1", /*prefix=*/false, [](const absl::StatusOr<int64_t>&) {});
  const size_t late = Begin(Put(MakeRecord("a-1", 99)));
  const size_t submit = Begin(Submit("b-1"));
  Settle();

  EXPECT_TRUE(Pending(late));
  EXPECT_TRUE(Pending(submit));
  ASSERT_EQ(fatal_.size(), 1U);
  EXPECT_TRUE(absl::IsAborted(fatal_[0])) << fatal_[0];
  EXPECT_FALSE(Has("b-1"));
}

TEST_F(EtcdStoreTest, AKeyThatWasMadeAgainIsNotTheLeadersKey) {
  client_->Delete("/m/leader/1", /*prefix=*/false, [](const absl::StatusOr<int64_t>&) {});
  Settle();
  etcd_.PutDirectly("/m/leader/1", "");
  Begin(Submit("b-1"));
  Settle();

  EXPECT_EQ(fatal_.size(), 1U);
  EXPECT_FALSE(Has("b-1"));
}

TEST_F(EtcdStoreTest, SomebodyElsesWriteBetweenTwoOfOursIsFatal) {
  etcd_.PutDirectly("/m/state/commit", "somebody");
  Begin(Submit("b-1"));
  Settle();

  EXPECT_EQ(fatal_.size(), 1U);
  EXPECT_FALSE(Has("b-1"));
}

TEST_F(EtcdStoreTest, NewWorkIsRefusedAtOnceWhileEtcdIsAwayAndTheRestWaits) {
  etcd_.down = true;
  const size_t record = Begin(Put(MakeRecord("a-1")));
  const absl::Status refused = Commit(Submit("b-1"));
  const absl::Status again = Commit(Submit("c-1"));
  EXPECT_TRUE(absl::IsUnavailable(refused)) << refused;
  EXPECT_TRUE(absl::IsUnavailable(again)) << again;
  EXPECT_FALSE(store_->Full().ok());
  EXPECT_TRUE(Pending(record));
  etcd_.down = false;
  Advance(absl::Seconds(1));

  EXPECT_TRUE(answers_[record].ok());
  EXPECT_TRUE(store_->Full().ok());
  EXPECT_TRUE(Has("jobs/a-1"));
  EXPECT_FALSE(Has("b-1"));
  EXPECT_FALSE(Has("c-1"));
}

TEST_F(EtcdStoreTest, ARefusedSubmitThatWasDoneAfterAllIsUndone) {
  etcd_.lose_answers = true;
  const absl::Status refused = Commit(Submit("b-1"));
  EXPECT_TRUE(absl::IsUnavailable(refused)) << refused;
  EXPECT_TRUE(Has("jobs/b-1"));
  etcd_.lose_answers = false;
  Advance(absl::Seconds(1));

  EXPECT_FALSE(Has("b-1"));
  EXPECT_TRUE(Commit(Submit("b-2")).ok());
  EXPECT_TRUE(fatal_.empty());
}

TEST_F(EtcdStoreTest, ALostAnswerOfARecordIsFoundOut) {
  etcd_.lose_answers = true;
  const size_t record = Begin(Put(MakeRecord("a-1", 7)));
  Advance(absl::Seconds(2));
  EXPECT_TRUE(Pending(record));
  etcd_.lose_answers = false;
  Advance(absl::Seconds(1));

  EXPECT_TRUE(answers_[record].ok());
  EXPECT_TRUE(fatal_.empty());
}

// A member that hung may carry out what it was asked long after its client has given up.
TEST_F(EtcdStoreTest, ALateTransactionChangesNothing) {
  etcd_.hold_commits = true;
  EXPECT_TRUE(absl::IsUnavailable(Commit(Submit("b-1"))));
  etcd_.hold_commits = false;
  EXPECT_TRUE(Commit(Put(MakeRecord("a-1"))).code() != absl::StatusCode::kAborted);
  Advance(absl::Seconds(1));
  const int failed = etcd_.compare_fails;
  etcd_.ReleaseCommits();

  EXPECT_GT(etcd_.compare_fails, failed);
  EXPECT_FALSE(Has("b-1"));
  EXPECT_TRUE(Has("jobs/a-1"));
  EXPECT_TRUE(fatal_.empty());
}

TEST_F(EtcdStoreTest, ALateTransactionThatComesFirstIsUndone) {
  etcd_.hold_commits = true;
  EXPECT_TRUE(absl::IsUnavailable(Commit(Submit("b-1"))));
  etcd_.ReleaseCommits();
  EXPECT_TRUE(Has("jobs/b-1"));
  Advance(absl::Seconds(1));

  EXPECT_FALSE(Has("b-1"));
  EXPECT_TRUE(fatal_.empty());
}

TEST_F(EtcdStoreTest, AFullEtcdRefusesNewWorkAndHealsForTheRest) {
  etcd_.full = true;
  const size_t record = Begin(Put(MakeRecord("a-1")));
  const absl::Status refused = Commit(Submit("b-1"));
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_TRUE(Pending(record));
  etcd_.full = false;
  Advance(absl::Seconds(2));

  EXPECT_TRUE(answers_[record].ok());
  EXPECT_FALSE(Has("b-1"));
}

TEST_F(EtcdStoreTest, WhatEtcdWillNeverTakeIsFatal) {
  etcd_.refusal = absl::PermissionDeniedError("etcdserver: permission denied");
  Begin(Submit("b-1"));
  Settle();

  ASSERT_EQ(fatal_.size(), 1U);
  EXPECT_TRUE(absl::IsPermissionDenied(fatal_[0])) << fatal_[0];
}

TEST_F(EtcdStoreTest, TransactionsStayWithinEtcdsLimits) {
  for (int i = 0; i < 500; ++i) Begin(Put(MakeRecord(absl::StrCat("j-", i), 20'000)));
  Begin(Put(MakeRecord("long-1", size_t{5} << 20)));
  Settle();

  for (const absl::Status& answer : answers_) ASSERT_TRUE(answer.ok()) << answer;
  EXPECT_LE(etcd_.largest_txn, size_t{1'200'000});
  EXPECT_LE(etcd_.most_ops, 128U);
  EXPECT_LT(etcd_.commits, 100);  // Not one by one.
}

TEST_F(EtcdStoreTest, PiecesAreRemovedWithTheirJob) {
  ASSERT_TRUE(Commit(Put(MakeRecord("long-1", size_t{2} << 20))).ok());
  ASSERT_TRUE(Commit(Put(MakeRecord("long-1", size_t{2} << 20))).ok());
  EXPECT_TRUE(Has("pieces/long-1"));
  StateBatch removal;
  removal.remove_jobs.push_back("long-1");
  ASSERT_TRUE(Commit(std::move(removal)).ok());

  EXPECT_FALSE(Has("long-1"));
}

TEST_F(EtcdStoreTest, ADamagedRecordIsNamedAndNothingIsGuessed) {
  ASSERT_TRUE(Commit(Put(MakeRecord("a-1", 100))).ok());
  std::string value = etcd_.entries().at("/m/state/jobs/a-1").value;
  value[20] = static_cast<char>(value[20] ^ 0x40);
  etcd_.PutDirectly("/m/state/jobs/a-1", value);
  store_ = nullptr;
  Open();

  EXPECT_TRUE(absl::IsDataLoss(opened_)) << opened_;
  EXPECT_TRUE(absl::StrContains(opened_.message(), "/m/state/jobs/a-1")) << opened_;
}

TEST_F(EtcdStoreTest, OpeningWaitsForEtcd) {
  store_ = nullptr;
  opened_ = absl::UnknownError("not opened");
  etcd_.down = true;
  Open();
  Advance(absl::Seconds(5));
  EXPECT_TRUE(absl::IsUnknown(opened_));
  etcd_.down = false;
  Advance(absl::Seconds(1));

  EXPECT_TRUE(opened_.ok()) << opened_;
}

TEST_F(EtcdStoreTest, OneWhoDoesNotLeadCannotOpenIt) {
  store_ = nullptr;
  client_->Delete("/m/leader/1", /*prefix=*/false, [](const absl::StatusOr<int64_t>&) {});
  Settle();
  Open();

  EXPECT_TRUE(absl::IsAborted(opened_)) << opened_;
}

}  // namespace
}  // namespace muster
