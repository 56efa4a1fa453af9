#ifndef MUSTER_SCHEDULER_STORE_ETCD_STORE_H_
#define MUSTER_SCHEDULER_STORE_ETCD_STORE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/backoff.h"
#include "common/base/event_loop.h"
#include "common/etcd/etcd.h"
#include "scheduler/store/state_store.h"

namespace muster {

struct EtcdStoreOptions {
  std::string prefix;      // Of all keys of the store; ends with a slash.
  std::string leader_key;  // The key by which its owner leads,
  int64_t epoch = 0;       // and its create-revision. Load() gives it as the epoch.
  // Called once, on the loop, when nothing can be committed any more; nothing is acknowledged after
  // it. ABORTED: another one leads. Else etcd refuses what can never succeed.
  std::function<void(const absl::Status&)> on_fatal;
  // After a failure the next try comes after the first, doubling up to the maximum.
  Backoff::Options backoff{absl::Milliseconds(20), absl::Milliseconds(500), 0.5};
  // etcd takes requests of 1.5 MiB and 128 operations, unless told otherwise.
  size_t max_txn_bytes = 1 << 20;
  size_t max_txn_ops = 100;
  size_t max_value_bytes = 512 << 10;  // A longer job is kept in pieces.
};

using EtcdStoreDone = std::function<void(absl::StatusOr<std::unique_ptr<StateStore>> store)>;

// A store in etcd, for the leader of an election: each transaction compares the leader key's
// create-revision, so that whoever leads no longer writes no longer, whatever it believes. It also
// compares the revision of the last transaction: only one is under way, and one whose answer was
// lost either is found done by the next, or can never be done any more.
//
// All commits that wait while one is under way go together. etcd away: commits wait and are tried
// again; refuse_when_full: UNAVAILABLE, and what may have been done of it is undone before anything
// else is committed. etcd full: as for a disk, see StateStore.
//
// Claims the state for this epoch and reads all of it, then calls `done`, on the loop; the store's
// Load() does not block. Tries until etcd answers; ABORTED: another one leads. DATA_LOSS names a
// damaged key. The returned handle ends it: no `done` comes after that. Pointers must outlive the
// store.
std::unique_ptr<EtcdStream> OpenEtcdStore(const EtcdStoreOptions& options, EventLoop* loop,
                                          Etcd* etcd, EtcdStoreDone done);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_STORE_ETCD_STORE_H_
