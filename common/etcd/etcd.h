// etcd's v3 API as Muster uses it, without gRPC in sight: engine code and tests need only this.
// etcd_client.h makes a real one.
#ifndef MUSTER_COMMON_ETCD_ETCD_H_
#define MUSTER_COMMON_ETCD_ETCD_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace muster {

// One key as it was at one revision of the store.
struct EtcdEntry {
  std::string key;
  std::string value;
  int64_t create_revision = 0;
  int64_t mod_revision = 0;
  int64_t version = 0;  // Changes since it was made, from 1.
  int64_t lease = 0;    // 0: none.
};

// What a read found, by key, and the revision of the store at which it was so.
struct EtcdRange {
  std::vector<EtcdEntry> entries;
  int64_t revision = 0;
  bool more = false;  // Of a page: there are keys after the last one.
};

// A read of many keys in pages, all as they were at one revision.
struct EtcdPage {
  std::string from;      // The first key.
  std::string end;       // The first key that is not wanted any more.
  int limit = 100;       // Keys in a page.
  int64_t revision = 0;  // Of the first page's answer; 0 in the first page.
};

// One change. Of a deleted key only `key` and `mod_revision` are known.
struct EtcdEvent {
  bool deleted = false;
  EtcdEntry entry;
};

// A condition of a transaction: what is compared of `key` equals `number` (or `value`).
struct EtcdCompare {
  enum class What { kVersion, kCreateRevision, kModRevision, kValue };
  What what = What::kModRevision;
  std::string key;
  int64_t number = 0;  // A create revision or version of 0: the key is not there.
  std::string value;
};

struct EtcdOp {
  enum class Kind { kGet, kPut, kDelete };
  Kind kind = Kind::kPut;
  std::string key;
  bool prefix = false;  // Not for kPut.
  std::string end;      // Not for kPut: all keys from `key` up to this one, without it.
  std::string value;
  int64_t lease = 0;
};

struct EtcdTxn {
  std::vector<EtcdCompare> compares;  // All must hold for `success`, else `failure` is done.
  std::vector<EtcdOp> success;
  std::vector<EtcdOp> failure;
};

struct EtcdTxnResult {
  bool succeeded = false;
  int64_t revision = 0;
  std::vector<EtcdRange> gets;  // Of the kGet among the operations done, in their order.
};

// Whose destruction ends the watch or the keep-alive; nothing comes from it any more. Destroyed
// before the client.
class EtcdStream {
 public:
  virtual ~EtcdStream() = default;
};

struct EtcdWatchHandler {
  // Changes of one revision or more, in order, each once.
  std::function<void(const std::vector<EtcdEvent>& events)> on_events;
  // Changes were lost, since etcd has compacted them away: read what is there now. The watch
  // already goes on; a change may be seen twice, none is missed.
  std::function<void()> on_gap;
  // The stream broke, or stands again (OK). It is taken up again by itself, where it broke.
  std::function<void(const absl::Status& status)> on_state;
};

// A client of one etcd cluster. Lives on a loop: every callback comes from there, at most once for
// a call and none after the client's end. Calls end within their deadline. Errors are etcd's and
// gRPC's: UNAVAILABLE nobody answers, DEADLINE_EXCEEDED (a write may have been done), NOT_FOUND no
// such lease, RESOURCE_EXHAUSTED etcd is full, OUT_OF_RANGE compacted. It does not try again by
// itself, for a write done twice may be wrong; but a member that fails is not asked next.
class Etcd {
 public:
  virtual ~Etcd() = default;

  template <typename T>
  using Done = std::function<void(const absl::StatusOr<T>& result)>;

  // `prefix`: all keys that begin with `key`.
  virtual void Get(const std::string& key, bool prefix, Done<EtcdRange> done) = 0;
  // OUT_OF_RANGE: etcd has compacted that revision away; begin again.
  virtual void GetPage(const EtcdPage& page, Done<EtcdRange> done) = 0;
  // The revision of the write. `lease` 0: none.
  virtual void Put(const std::string& key, const std::string& value, int64_t lease,
                   Done<int64_t> done) = 0;
  // How many keys were there.
  virtual void Delete(const std::string& key, bool prefix, Done<int64_t> done) = 0;
  virtual void Commit(const EtcdTxn& txn, Done<EtcdTxnResult> done) = 0;

  // The lease's id. Its time to live has whole seconds.
  virtual void Grant(absl::Duration ttl, Done<int64_t> done) = 0;
  // Ends a lease, and deletes its keys.
  virtual void Revoke(int64_t lease, std::function<void(const absl::Status& status)> done) = 0;
  // Renews `lease` once; gives its new time to live. NOT_FOUND: it is gone. A hint, as below.
  virtual void Renew(int64_t lease, Done<absl::Duration> done) = 0;
  // Renews `lease` three times within each `ttl`. `on_lost` comes once: etcd says that it is gone
  // (NOT_FOUND), or nobody has renewed it for `ttl`, counted from before the last renewal that was
  // answered was sent (DEADLINE_EXCEEDED). A renewal is a hint, not a proof that the lease lives:
  // etcd 3.4 may answer for one that was revoked. Decisions rest on Commit().
  virtual std::unique_ptr<EtcdStream> KeepAlive(
      int64_t lease, absl::Duration ttl,
      std::function<void(const absl::Status& status)> on_lost) = 0;

  // Follows changes of `key` or of all keys below a prefix, from `revision` on (0: from now on; a
  // read's revision + 1 leaves no gap).
  virtual std::unique_ptr<EtcdStream> Watch(const std::string& key, bool prefix, int64_t revision,
                                            EtcdWatchHandler handler) = 0;
};

}  // namespace muster

#endif  // MUSTER_COMMON_ETCD_ETCD_H_
