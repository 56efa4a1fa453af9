#include "tests/scheduler/store/store_rig.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/etcd/etcd_client.h"
#include "scheduler/store/etcd_store.h"
#include "scheduler/store/memory_store.h"
#include "scheduler/store/sqlite_store.h"
#include "tests/fakes/etcd_process.h"
#include "tests/fakes/fake_etcd.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

// A handle on a store that goes on living.
class BorrowedStore : public StateStore {
 public:
  explicit BorrowedStore(StateStore* store) : store_(store) {}
  absl::StatusOr<StoredState> Load() override { return store_->Load(); }
  void Commit(StateBatch batch, Done done) override {
    store_->Commit(std::move(batch), std::move(done));
  }
  absl::Status Full() const override { return store_->Full(); }

 private:
  StateStore* const store_;
};

class MemoryRig : public StoreRig {
 public:
  ~MemoryRig() override { End(); }

 private:
  void Open(Opened opened) override { opened(std::make_unique<BorrowedStore>(&store_)); }
  MemoryStore store_{loop()};
};

class SqliteRig : public StoreRig {
 public:
  ~SqliteRig() override { End(); }

 private:
  void Open(Opened opened) override {
    SqliteStoreOptions options;
    options.path = tree_.Path("s.db");
    opened(OpenSqliteStore(options, loop()));
  }
  TempTree tree_;
};

// Each opening is the term of a new leader, whose key is another one than the last's.
class EtcdRig : public StoreRig {
 protected:
  void Open(Opened opened) override {
    opening_ = nullptr;
    etcd_->Delete("/m/leader/", /*prefix=*/true,
                  [this, opened](const absl::StatusOr<int64_t>& gone) {
                    if (absl::IsUnavailable(gone.status())) return Open(opened);  // It is starting.
                    if (!gone.ok()) return opened(gone.status());
                    Lead(opened);
                  });
  }
  void EndAll() {
    End();
    OnLoop([this] {
      opening_ = nullptr;
      etcd_ = nullptr;
    });
  }

  std::unique_ptr<Etcd> etcd_;

 private:
  void Lead(Opened opened) {
    const std::string key = absl::StrCat("/m/leader/", ++terms_);
    etcd_->Put(key, "", /*lease=*/0, [this, key, opened](const absl::StatusOr<int64_t>& revision) {
      if (!revision.ok()) return opened(revision.status());
      EtcdStoreOptions options;
      options.prefix = "/m/state/";
      options.leader_key = key;
      options.epoch = *revision;
      opening_ = OpenEtcdStore(options, loop(), etcd_.get(), opened);
    });
  }

  std::unique_ptr<EtcdStream> opening_;
  int terms_ = 0;
};

class FakeEtcdRig : public EtcdRig {
 public:
  FakeEtcdRig() { etcd_ = fake_.Connect(); }
  ~FakeEtcdRig() override { EndAll(); }

 private:
  FakeEtcd fake_{loop()};
};

class RealEtcdRig : public EtcdRig {
 public:
  RealEtcdRig() {
    EtcdClientOptions options;
    options.endpoints = process_.endpoints();
    OnLoop([&] { etcd_ = *MakeEtcdClient(loop(), options); });
  }
  ~RealEtcdRig() override { EndAll(); }

 private:
  EtcdProcess process_;
};

}  // namespace

absl::StatusOr<StoredState> StoreRig::Reopen() {
  std::promise<absl::StatusOr<StoredState>> promise;
  thread_.Call([&] {
    store_ = nullptr;
    Open([&](absl::StatusOr<std::unique_ptr<StateStore>> opened) {
      if (!opened.ok()) return promise.set_value(opened.status());
      store_ = *std::move(opened);
      promise.set_value(store_->Load());
    });
  });
  return promise.get_future().get();
}

std::future<absl::Status> StoreRig::Begin(StateBatch batch) {
  auto answer = std::make_shared<std::promise<absl::Status>>();
  thread_.Call([&] {
    store_->Commit(std::move(batch),
                   [answer](const absl::Status& status) { answer->set_value(status); });
  });
  return answer->get_future();
}

void StoreRig::End() {
  thread_.Call([this] { store_ = nullptr; });
}

std::unique_ptr<StoreRig> MakeMemoryRig() { return std::make_unique<MemoryRig>(); }
std::unique_ptr<StoreRig> MakeSqliteRig() { return std::make_unique<SqliteRig>(); }
std::unique_ptr<StoreRig> MakeFakeEtcdRig() { return std::make_unique<FakeEtcdRig>(); }
std::unique_ptr<StoreRig> MakeRealEtcdRig() {
  return EtcdProcess::Installed() ? std::make_unique<RealEtcdRig>() : nullptr;
}

JobRecord MakeRecord(const std::string& id, size_t payload) {
  JobRecord record;
  record.job.set_id(id);
  record.job.mutable_status()->set_state(v1::JOB_STATE_QUEUED);
  record.job.mutable_status()->mutable_submit_time()->set_seconds(1700000000);
  record.job.mutable_status()->set_reason(std::string(payload, 'x'));
  return record;
}

StateBatch Put(const JobRecord& record) {
  StateBatch batch;
  batch.put_jobs.push_back(record);
  return batch;
}

}  // namespace muster
