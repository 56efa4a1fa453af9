// How the scheduler's records lie in etcd: below one prefix,
//   commit                      EPOCH.NUMBER of the last transaction
//   jobs/ID                     a StoredJob
//   pieces/ID/EPOCH.NUMBER/I    the parts of a job that is too long for one value
//   nodes/ID                    a StoredNode
//   requests/MICROSECONDS/ID    the job that this request id has made; by age, to be forgotten so
#ifndef MUSTER_SCHEDULER_STORE_ETCD_RECORDS_H_
#define MUSTER_SCHEDULER_STORE_ETCD_RECORDS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/etcd/etcd.h"
#include "muster/v1/stored_job.pb.h"
#include "muster/v1/stored_node.pb.h"
#include "scheduler/store/state_store.h"

namespace muster {

// Names the keys.
class EtcdKeys {
 public:
  explicit EtcdKeys(std::string prefix) : prefix_(std::move(prefix)) {}

  const std::string& prefix() const { return prefix_; }
  std::string Commit() const;
  std::string Job(absl::string_view id) const;
  // All pieces of a job, and those of one writing of it.
  std::string PiecesOf(absl::string_view id) const;
  std::string PiecesOf(absl::string_view id, absl::string_view writing) const;
  std::string Piece(absl::string_view id, absl::string_view writing, size_t index) const;
  std::string Node(absl::string_view id) const;
  std::string Request(const RequestRecord& request) const;
  // Before those of requests that were made then or later.
  std::string RequestsFrom(absl::Time time) const;

 private:
  const std::string prefix_;
};

// A job as the values of its key and of its pieces.
struct EncodedJob {
  std::string value;
  std::vector<std::string> pieces;
};
EncodedJob EncodeJob(const JobRecord& record, const std::string& writing, size_t max_value_bytes);

// An order as the value of its key.
std::string EncodeNode(const NodeRecord& record);

// Makes records of all entries of a store, given in the order of their keys.
class EtcdRecordReader {
 public:
  explicit EtcdRecordReader(EtcdKeys keys) : keys_(std::move(keys)) {}

  // DATA_LOSS names a key that cannot be understood.
  absl::Status Add(const EtcdEntry& entry);
  // DATA_LOSS names a job whose pieces or sum are wrong. `pieced`: ids of jobs that have pieces,
  // also of such that no job needs.
  absl::StatusOr<StoredState> Finish(std::vector<std::string>* pieced);

 private:
  absl::Status AddRequest(const EtcdEntry& entry, absl::string_view rest);
  absl::StatusOr<JobRecord> Decode(const std::string& id, v1::StoredJob* stored);

  const EtcdKeys keys_;
  StoredState state_;
  std::map<std::string, v1::StoredJob> jobs_;
  std::map<std::string, std::string> pieces_;  // By key.
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_STORE_ETCD_RECORDS_H_
