#ifndef MUSTER_TESTS_FAKES_FAKE_ETCD_H_
#define MUSTER_TESTS_FAKES_FAKE_ETCD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/event_loop.h"
#include "common/etcd/etcd.h"

namespace muster {

// An etcd cluster in memory: keys with revisions, leases on the loop's clock, transactions,
// watches; and etcd's faults, by order. Every call is carried out and answered in a later turn of
// the loop.
class FakeEtcd {
 public:
  explicit FakeEtcd(EventLoop* loop) : loop_(loop) {}  // Must outlive this object.
  ~FakeEtcd() { *alive_ = false; }

  // A client, which may not outlive this object. `cut`: while it points at true, nothing comes or
  // goes between the two.
  std::unique_ptr<Etcd> Connect(const bool* cut = nullptr);

  // --- Faults.
  bool down = false;            // Nothing is done: UNAVAILABLE.
  bool lose_answers = false;    // All is done, and answered with DEADLINE_EXCEEDED.
  bool full = false;            // Puts: RESOURCE_EXHAUSTED.
  bool lying_renewals = false;  // A renewal is answered well, also of a lease that is gone.
  bool mute_watches = false;    // Watches tell nothing any more, and do not break.
  absl::Status refusal;         // What every transaction is answered with, if not OK.
  // Transactions time out at once and are carried out only by ReleaseCommits().
  bool hold_commits = false;
  void ReleaseCommits();
  // Ends every lease, as an operator may, or a bug.
  void RevokeAll();
  // All watches have lost what they did not tell yet.
  void Compact();

  // --- What is there.
  const std::map<std::string, EtcdEntry>& entries() const { return entries_; }
  int64_t revision() const { return revision_; }
  int commits = 0;         // Transactions that were done.
  int compare_fails = 0;   // Those whose comparison failed.
  size_t largest_txn = 0;  // In bytes of keys and values.
  size_t most_ops = 0;
  void PutDirectly(const std::string& key, const std::string& value) { Apply(PutOf(key, value)); }

 private:
  friend class FakeEtcdClient;
  struct Watcher {
    std::string key;
    bool prefix;
    EtcdWatchHandler handler;
  };
  struct Lease {
    absl::Duration ttl;
    EventLoop::TimerId timer = 0;
  };

  static EtcdOp PutOf(const std::string& key, const std::string& value);
  static bool Covers(const EtcdOp& op, const std::string& key);
  EtcdRange Read(const EtcdOp& op) const;
  // Done at revision_ + 1; false: nothing was changed.
  bool Apply(const EtcdOp& op);
  void Tell(const EtcdEvent& event);
  bool Holds(const EtcdCompare& compare) const;
  absl::StatusOr<EtcdTxnResult> Run(const EtcdTxn& txn);
  void ArmLease(int64_t id);
  bool EndLease(int64_t id);

  EventLoop* const loop_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  int64_t revision_ = 1;
  bool in_txn_ = false;
  int64_t next_lease_ = 100;
  std::map<std::string, EtcdEntry> entries_;
  std::map<int64_t, Lease> leases_;
  int64_t next_watch_ = 1;
  std::map<int64_t, Watcher> watchers_;
  std::vector<EtcdTxn> held_;
};

}  // namespace muster

#endif  // MUSTER_TESTS_FAKES_FAKE_ETCD_H_
