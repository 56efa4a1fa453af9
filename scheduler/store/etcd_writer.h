#ifndef MUSTER_SCHEDULER_STORE_ETCD_WRITER_H_
#define MUSTER_SCHEDULER_STORE_ETCD_WRITER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/etcd/etcd.h"

namespace muster {

// Writes to etcd while its owner leads, one transaction after another. Each compares the leader
// key's create-revision and, but for the first, the revision of the transaction before. So a
// transaction whose answer was lost cannot be done late: either the next one finds it done, and
// goes on from there, or it makes it impossible. Lives on the loop.
class EtcdWriter {
 public:
  // `commit_key` is what the transactions touch to be counted. `etcd` must outlive this object.
  EtcdWriter(Etcd* etcd, std::string leader_key, int64_t epoch, std::string commit_key);
  ~EtcdWriter() { *alive_ = false; }

  // Does `ops` together, once; nothing may be under way. Answers with OK, or
  //   ABORTED             another one leads,
  //   RESOURCE_EXHAUSTED  etcd is full, nothing was done,
  //   UNAVAILABLE         nobody knows: a further Write(), of the same or of something else,
  //   decides, anything else       etcd will never take it.
  void Write(std::vector<EtcdOp> ops, std::function<void(const absl::Status&)> done);

  // Names the next transaction, greater than all before, also of other leaders.
  std::string NextName() const;
  // Of the last transaction that is known to be done.
  int64_t revision() const { return revision_; }

 private:
  void Send(std::shared_ptr<std::vector<EtcdOp>> ops,
            std::function<void(const absl::Status&)> done);
  void Refused(const EtcdTxnResult& result, std::shared_ptr<std::vector<EtcdOp>> ops,
               const std::function<void(const absl::Status&)>& done);

  Etcd* const etcd_;
  const std::string leader_key_;
  const int64_t epoch_;
  const std::string commit_key_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  int64_t number_ = 0;    // Of the last transaction that was sent.
  int64_t revision_ = 0;  // 0: before the first one.
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_STORE_ETCD_WRITER_H_
