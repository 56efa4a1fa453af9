// Transactions, pages, leases and members, against a real etcd.
#include <signal.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/etcd/etcd_client.h"
#include "gtest/gtest.h"
#include "tests/fakes/etcd_process.h"

namespace muster {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

EtcdOp PutOp(const std::string& key, const std::string& value) {
  EtcdOp op;
  op.key = key;
  op.value = value;
  return op;
}

class EtcdCallsTest : public testing::Test {
 protected:
  void SetUp() override { Start(1); }
  void TearDown() override {
    loop_.Call([this] {
      streams_.clear();
      etcd_ = nullptr;
    });
  }
  void Start(int members) {
    process_ = std::make_unique<EtcdProcess>(members);
    EtcdClientOptions options;
    options.endpoints = process_->endpoints();
    options.timeout = absl::Seconds(1);
    loop_.Call([&] { etcd_ = *MakeEtcdClient(loop_.loop(), options); });
    ASSERT_TRUE(PutSoon("/up", "1"));
  }

  // The result of one call, which `begin` makes with the `done` that it is given.
  template <typename T>
  absl::StatusOr<T> Await(std::function<void(Etcd::Done<T>)> begin) {
    std::promise<absl::StatusOr<T>> promise;
    loop_.Call(
        [&] { begin([&promise](const absl::StatusOr<T>& result) { promise.set_value(result); }); });
    return promise.get_future().get();
  }
  absl::StatusOr<int64_t> Put(const std::string& key, const std::string& value) {
    return Await<int64_t>([&](auto done) { etcd_->Put(key, value, 0, std::move(done)); });
  }
  // As often as it takes.
  bool PutSoon(const std::string& key, const std::string& value) {
    const absl::Time end = absl::Now() + kPatience;
    while (absl::Now() < end) {
      if (Put(key, value).ok()) return true;
    }
    return false;
  }
  absl::StatusOr<EtcdTxnResult> Commit(const EtcdTxn& txn) {
    return Await<EtcdTxnResult>([&](auto done) { etcd_->Commit(txn, std::move(done)); });
  }
  // Waits until `condition`, which runs on the loop, holds.
  bool Soon(const std::function<bool()>& condition) {
    const absl::Time end = absl::Now() + kPatience;
    bool holds = false;
    while (!holds && absl::Now() < end) loop_.Call([&] { holds = condition(); });
    return holds;
  }

  LoopThread loop_;
  std::unique_ptr<EtcdProcess> process_;
  std::unique_ptr<Etcd> etcd_;
  std::vector<std::unique_ptr<EtcdStream>> streams_;
};

TEST_F(EtcdCallsTest, ATransactionIsDoneWhenAllOfItsComparisonsHold) {
  const int64_t revision = *Put("/a", "1");
  EtcdTxn txn;
  EtcdCompare compare;
  compare.what = EtcdCompare::What::kCreateRevision;
  compare.key = "/a";
  compare.number = revision;
  txn.compares.push_back(compare);
  compare.what = EtcdCompare::What::kModRevision;
  compare.key = "/b";
  compare.number = 0;  // It is not there.
  txn.compares.push_back(compare);
  txn.success.push_back(PutOp("/b", "2"));
  EtcdOp get;
  get.kind = EtcdOp::Kind::kGet;
  get.key = "/b";
  txn.success.push_back(get);
  txn.failure.push_back(get);
  const absl::StatusOr<EtcdTxnResult> first = Commit(txn);
  const absl::StatusOr<EtcdTxnResult> second = Commit(txn);

  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_TRUE(first->succeeded);
  EXPECT_EQ(first->gets.at(0).entries.at(0).create_revision, first->revision);
  EXPECT_FALSE(second->succeeded);
  EXPECT_EQ(second->gets.at(0).entries.at(0).value, "2");
}

TEST_F(EtcdCallsTest, PagesShowTheStoreAsItWasAtOneRevision) {
  int64_t revision = 0;
  for (int i = 0; i < 10; ++i) revision = *Put(absl::StrCat("/p/", i), "old");
  ASSERT_TRUE(Put("/p/5", "new").ok());
  EtcdPage page;
  page.from = "/p/";
  page.end = "/p0";
  page.limit = 4;
  page.revision = revision;
  std::vector<EtcdEntry> all;
  for (bool more = true; more;) {
    const absl::StatusOr<EtcdRange> range =
        Await<EtcdRange>([&](auto done) { etcd_->GetPage(page, std::move(done)); });
    ASSERT_TRUE(range.ok()) << range.status();
    all.insert(all.end(), range->entries.begin(), range->entries.end());
    more = range->more;
    page.from = range->entries.back().key + '\0';
  }

  ASSERT_EQ(all.size(), 10U);
  for (const EtcdEntry& entry : all) EXPECT_EQ(entry.value, "old") << entry.key;
}

TEST_F(EtcdCallsTest, ARangeIsDeletedUpToItsEnd) {
  for (const char* key : {"/r/1", "/r/2", "/r/3"}) ASSERT_TRUE(Put(key, "x").ok());
  EtcdTxn txn;
  txn.success.push_back(EtcdOp());
  txn.success[0].kind = EtcdOp::Kind::kDelete;
  txn.success[0].key = "/r/";
  txn.success[0].end = "/r/3";
  ASSERT_TRUE(Commit(txn).ok());
  const absl::StatusOr<EtcdRange> left =
      Await<EtcdRange>([&](auto done) { etcd_->Get("/r/", /*prefix=*/true, std::move(done)); });

  ASSERT_EQ(left->entries.size(), 1U);
  EXPECT_EQ(left->entries[0].key, "/r/3");
}

TEST_F(EtcdCallsTest, ARenewedLeaseLivesAndARevokedOneIsNotFound) {
  const absl::StatusOr<int64_t> lease =
      Await<int64_t>([&](auto done) { etcd_->Grant(absl::Seconds(30), std::move(done)); });
  ASSERT_TRUE(lease.ok());
  const auto renew = [&] {
    return Await<absl::Duration>([&](auto done) { etcd_->Renew(*lease, std::move(done)); });
  };
  EXPECT_EQ(*renew(), absl::Seconds(30));
  std::promise<absl::Status> revoked;
  loop_.Call([&] {
    etcd_->Revoke(*lease, [&](const absl::Status& status) { revoked.set_value(status); });
  });
  EXPECT_TRUE(revoked.get_future().get().ok());

  EXPECT_TRUE(absl::IsNotFound(renew().status())) << renew().status();
}

TEST_F(EtcdCallsTest, AKeepAliveTellsOnceThatItsLeaseIsGone) {
  const absl::StatusOr<int64_t> lease =
      Await<int64_t>([&](auto done) { etcd_->Grant(absl::Seconds(2), std::move(done)); });
  ASSERT_TRUE(lease.ok());
  std::vector<absl::Status> lost;
  loop_.Call([&] {
    streams_.push_back(etcd_->KeepAlive(
        *lease, absl::Seconds(2), [&](const absl::Status& status) { lost.push_back(status); }));
    etcd_->Revoke(*lease, [](const absl::Status&) {});
  });

  EXPECT_TRUE(Soon([&] { return lost.size() == 1; }));
  loop_.Call([&] { EXPECT_TRUE(absl::IsNotFound(lost.at(0))) << lost[0]; });
}

TEST_F(EtcdCallsTest, AWatchTellsEveryChangeOnceFromItsRevisionOn) {
  const int64_t revision = *Put("/w/0", "0");
  for (int i = 1; i < 5; ++i) ASSERT_TRUE(Put(absl::StrCat("/w/", i), "x").ok());
  std::vector<std::string> seen;
  loop_.Call([&] {
    EtcdWatchHandler handler;
    handler.on_events = [&](const std::vector<EtcdEvent>& events) {
      for (const EtcdEvent& event : events) seen.push_back(event.entry.key);
    };
    streams_.push_back(etcd_->Watch("/w/", /*prefix=*/true, revision + 1, std::move(handler)));
  });
  ASSERT_TRUE(Put("/w/5", "x").ok());

  EXPECT_TRUE(Soon([&] { return seen.size() == 5; }));
  loop_.Call([&] { EXPECT_EQ(seen.back(), "/w/5"); });
}

TEST_F(EtcdCallsTest, AMemberThatHangsIsLeftForTheNext) {
  TearDown();
  Start(3);
  std::vector<std::string> seen;
  loop_.Call([&] {
    EtcdWatchHandler handler;
    handler.on_events = [&](const std::vector<EtcdEvent>& events) {
      for (const EtcdEvent& event : events) seen.push_back(event.entry.value);
    };
    handler.on_gap = [] {};
    handler.on_state = [](const absl::Status&) {};
    streams_.push_back(etcd_->Watch("/h", /*prefix=*/false, 0, std::move(handler)));
  });
  ASSERT_TRUE(Soon([&] {  // The watch stands.
    return !seen.empty() || (etcd_->Put("/h", "before", 0, [](const auto&) {}), false);
  }));
  process_->Signal(0, SIGSTOP);  // The first one is the one in use.
  EXPECT_TRUE(PutSoon("/h", "after"));
  EXPECT_TRUE(PutSoon("/h", "last"));

  EXPECT_TRUE(Soon([&] { return !seen.empty() && seen.back() == "last"; }));
  process_->Signal(0, SIGCONT);
}

}  // namespace
}  // namespace muster
