#include "tests/fakes/fake_etcd.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"

namespace muster {

// One client. What it was asked last is answered last.
class FakeEtcdClient : public Etcd {
 public:
  FakeEtcdClient(FakeEtcd* etcd, const bool* cut) : etcd_(etcd), cut_(cut) {}
  ~FakeEtcdClient() override { *alive_ = false; }

  void Get(const std::string& key, bool prefix, Done<EtcdRange> done) override {
    EtcdOp op;
    op.kind = EtcdOp::Kind::kGet;
    op.key = key;
    op.prefix = prefix;
    Later<EtcdRange>([this, op] { return etcd_->Read(op); }, std::move(done));
  }
  void GetPage(const EtcdPage& page, Done<EtcdRange> done) override {
    Later<EtcdRange>(
        [this, page] {
          EtcdOp op;
          op.key = page.from;
          op.end = page.end;
          EtcdRange range = etcd_->Read(op);
          const auto limit = static_cast<size_t>(page.limit);
          range.more = range.entries.size() > limit;
          if (range.more) range.entries.resize(limit);
          return range;
        },
        std::move(done));
  }
  void Put(const std::string& key, const std::string& value, int64_t lease,
           Done<int64_t> done) override {
    EtcdTxn txn;
    txn.success = {FakeEtcd::PutOf(key, value)};
    txn.success[0].lease = lease;
    Commit(txn, [done](const absl::StatusOr<EtcdTxnResult>& result) {
      result.ok() ? done(result->revision) : done(result.status());
    });
  }
  void Delete(const std::string& key, bool prefix, Done<int64_t> done) override {
    EtcdTxn txn;
    txn.success = {EtcdOp()};
    txn.success[0].kind = EtcdOp::Kind::kDelete;
    txn.success[0].key = key;
    txn.success[0].prefix = prefix;
    Commit(txn, [done](const absl::StatusOr<EtcdTxnResult>& result) {
      result.ok() ? done(1) : done(result.status());
    });
  }
  void Commit(const EtcdTxn& txn, Done<EtcdTxnResult> done) override {
    if (etcd_->hold_commits) {
      etcd_->held_.push_back(txn);
      return etcd_->loop_->Post([alive = alive_, done = std::move(done)] {
        if (*alive) done(absl::DeadlineExceededError("held"));
      });
    }
    Later<EtcdTxnResult>([this, txn] { return etcd_->Run(txn); }, std::move(done));
  }
  void Grant(absl::Duration ttl, Done<int64_t> done) override {
    Later<int64_t>(
        [this, ttl]() -> absl::StatusOr<int64_t> {
          const int64_t id = etcd_->next_lease_++;
          etcd_->leases_[id].ttl = ttl;
          etcd_->ArmLease(id);
          return id;
        },
        std::move(done));
  }
  void Revoke(int64_t lease, std::function<void(const absl::Status&)> done) override {
    Later<bool>([this, lease]() -> absl::StatusOr<bool> { return etcd_->EndLease(lease); },
                [done](const absl::StatusOr<bool>& ended) { done(ended.status()); });
  }
  void Renew(int64_t lease, Done<absl::Duration> done) override {
    Later<absl::Duration>(
        [this, lease]() -> absl::StatusOr<absl::Duration> {
          if (etcd_->leases_.count(lease) > 0) {
            etcd_->ArmLease(lease);
          } else if (!etcd_->lying_renewals) {
            return absl::NotFoundError("no such lease");
          }
          return absl::Seconds(3);
        },
        std::move(done));
  }
  std::unique_ptr<EtcdStream> KeepAlive(int64_t, absl::Duration,
                                        std::function<void(const absl::Status&)>) override {
    LOG(FATAL) << "not faked: nothing decisive may rest on it";
    return nullptr;
  }
  // From now on: what happened between a read and its watch is in no turn of its own here.
  std::unique_ptr<EtcdStream> Watch(const std::string& key, bool prefix, int64_t,
                                    EtcdWatchHandler handler) override {
    const int64_t id = etcd_->next_watch_++;
    etcd_->watchers_[id] = {key, prefix, std::move(handler)};
    struct Handle : EtcdStream {
      ~Handle() override {
        if (*alive) etcd->watchers_.erase(id);
      }
      FakeEtcd* etcd;
      std::shared_ptr<bool> alive;
      int64_t id;
    };
    auto handle = std::make_unique<Handle>();
    handle->etcd = etcd_;
    handle->alive = etcd_->alive_;
    handle->id = id;
    return handle;
  }

 private:
  template <typename T>
  void Later(std::function<absl::StatusOr<T>()> work, Done<T> done) {
    etcd_->loop_->Post([this, alive = alive_, work = std::move(work), done = std::move(done)] {
      if (!*alive) return;
      if (etcd_->down || (cut_ != nullptr && *cut_))
        return done(absl::UnavailableError("etcd is down"));
      const absl::StatusOr<T> result = work();
      if (etcd_->lose_answers) return done(absl::DeadlineExceededError("the answer is lost"));
      done(result);
    });
  }

  FakeEtcd* const etcd_;
  const bool* const cut_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

std::unique_ptr<Etcd> FakeEtcd::Connect(const bool* cut) {
  return std::make_unique<FakeEtcdClient>(this, cut);
}

void FakeEtcd::ReleaseCommits() {
  hold_commits = false;
  const std::vector<EtcdTxn> held = std::move(held_);
  held_.clear();
  for (const EtcdTxn& txn : held) (void)Run(txn);
}

void FakeEtcd::RevokeAll() {
  while (!leases_.empty()) EndLease(leases_.begin()->first);
}

void FakeEtcd::Compact() {
  const std::map<int64_t, Watcher> watchers = watchers_;
  for (const auto& [id, watcher] : watchers) {
    loop_->Post([alive = alive_, on_gap = watcher.handler.on_gap] {
      if (*alive) on_gap();
    });
  }
}

EtcdOp FakeEtcd::PutOf(const std::string& key, const std::string& value) {
  EtcdOp op;
  op.key = key;
  op.value = value;
  return op;
}

bool FakeEtcd::Covers(const EtcdOp& op, const std::string& key) {
  if (op.prefix) return absl::StartsWith(key, op.key);
  return op.end.empty() ? key == op.key : key >= op.key && key < op.end;
}

EtcdRange FakeEtcd::Read(const EtcdOp& op) const {
  EtcdRange range;
  range.revision = revision_;
  for (const auto& [key, entry] : entries_) {
    if (Covers(op, key)) range.entries.push_back(entry);
  }
  return range;
}

bool FakeEtcd::Apply(const EtcdOp& op) {
  if (!in_txn_) ++revision_;
  if (op.kind == EtcdOp::Kind::kDelete) {
    for (auto it = entries_.begin(); it != entries_.end();) {
      if (!Covers(op, it->first)) {
        ++it;
        continue;
      }
      EtcdEvent event;
      event.deleted = true;
      event.entry.key = it->first;
      event.entry.mod_revision = revision_;
      it = entries_.erase(it);
      Tell(event);
    }
    return true;
  }
  EtcdEntry& entry = entries_[op.key];
  if (entry.create_revision == 0) entry.create_revision = revision_;
  entry.key = op.key;
  entry.value = op.value;
  entry.mod_revision = revision_;
  entry.lease = op.lease;
  ++entry.version;
  Tell({false, entry});
  return true;
}

void FakeEtcd::Tell(const EtcdEvent& event) {
  if (mute_watches) return;
  for (const auto& [id, watcher] : watchers_) {
    const bool told = watcher.prefix ? absl::StartsWith(event.entry.key, watcher.key)
                                     : event.entry.key == watcher.key;
    if (!told) continue;
    loop_->Post([this, alive = alive_, id = id, event] {
      if (!*alive || watchers_.count(id) == 0) return;
      const auto on_events = watchers_.at(id).handler.on_events;
      on_events({event});
    });
  }
}

bool FakeEtcd::Holds(const EtcdCompare& compare) const {
  const auto it = entries_.find(compare.key);
  const EtcdEntry entry = it == entries_.end() ? EtcdEntry() : it->second;
  switch (compare.what) {
    case EtcdCompare::What::kVersion:
      return entry.version == compare.number;
    case EtcdCompare::What::kCreateRevision:
      return entry.create_revision == compare.number;
    case EtcdCompare::What::kModRevision:
      return entry.mod_revision == compare.number;
    case EtcdCompare::What::kValue:
      return entry.value == compare.value;
  }
  return false;
}

absl::StatusOr<EtcdTxnResult> FakeEtcd::Run(const EtcdTxn& txn) {
  if (!refusal.ok()) return refusal;
  EtcdTxnResult result;
  result.succeeded = std::all_of(txn.compares.begin(), txn.compares.end(),
                                 [this](const EtcdCompare& compare) { return Holds(compare); });
  const std::vector<EtcdOp>& ops = result.succeeded ? txn.success : txn.failure;
  size_t bytes = 0;
  std::map<std::string, int> puts;
  for (const EtcdOp& op : ops) {
    bytes += op.key.size() + op.value.size();
    if (op.kind == EtcdOp::Kind::kPut && full) {
      return absl::ResourceExhaustedError("etcdserver: mvcc: database space exceeded");
    }
    const bool doubled =
        std::any_of(ops.begin(), ops.end(),
                    [&op](const EtcdOp& other) {
                      return other.kind == EtcdOp::Kind::kDelete && Covers(other, op.key);
                    }) ||
        ++puts[op.key] > 1;
    if (op.kind == EtcdOp::Kind::kPut && doubled) {
      return absl::InvalidArgumentError("etcdserver: duplicate key given in txn request");
    }
    if (op.kind == EtcdOp::Kind::kPut && op.lease != 0 && leases_.count(op.lease) == 0) {
      return absl::NotFoundError("etcdserver: requested lease not found");
    }
  }
  largest_txn = std::max(largest_txn, bytes);
  most_ops = std::max(most_ops, ops.size());
  ++(result.succeeded ? commits : compare_fails);
  const bool writes = std::any_of(ops.begin(), ops.end(),
                                  [](const EtcdOp& op) { return op.kind != EtcdOp::Kind::kGet; });
  if (writes) ++revision_;
  in_txn_ = true;
  for (const EtcdOp& op : ops) {
    if (op.kind == EtcdOp::Kind::kGet) {
      result.gets.push_back(Read(op));
    } else {
      Apply(op);
    }
  }
  in_txn_ = false;
  result.revision = revision_;
  return result;
}

void FakeEtcd::ArmLease(int64_t id) {
  Lease& lease = leases_[id];
  loop_->Cancel(lease.timer);
  lease.timer = loop_->After(lease.ttl, [this, alive = alive_, id] {
    if (*alive) EndLease(id);
  });
}

bool FakeEtcd::EndLease(int64_t id) {
  const auto it = leases_.find(id);
  if (it == leases_.end()) return false;
  loop_->Cancel(it->second.timer);
  leases_.erase(it);
  std::vector<std::string> keys;
  for (const auto& [key, entry] : entries_) {
    if (entry.lease == id) keys.push_back(key);
  }
  for (const std::string& key : keys) {
    EtcdOp op;
    op.kind = EtcdOp::Kind::kDelete;
    op.key = key;
    Apply(op);
  }
  return true;
}

}  // namespace muster
