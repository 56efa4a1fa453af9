#include "scheduler/store/etcd_records.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "common/rpc/crc32c.h"

namespace muster {
namespace {

constexpr char kJobs[] = "jobs/";
constexpr char kNodes[] = "nodes/";
constexpr char kPieces[] = "pieces/";
constexpr char kRequests[] = "requests/";
constexpr size_t kTimeDigits = 20;

uint32_t CrcOf(const std::string& id, int cause, const std::string& reason,
               const std::string& job) {
  return Crc32c(absl::StrCat(id, "\n", cause, "\n", reason, "\n", job));
}

absl::Status Damaged(absl::string_view key, absl::string_view why) {
  return absl::DataLossError(absl::StrCat("etcd key ", key, ": ", why,
                                          "; it is left as it is, restore etcd from a snapshot"));
}

}  // namespace

std::string EtcdKeys::Commit() const { return absl::StrCat(prefix_, "commit"); }
std::string EtcdKeys::Job(absl::string_view id) const { return absl::StrCat(prefix_, kJobs, id); }
std::string EtcdKeys::PiecesOf(absl::string_view id) const {
  return absl::StrCat(prefix_, kPieces, id, "/");
}
std::string EtcdKeys::PiecesOf(absl::string_view id, absl::string_view writing) const {
  return absl::StrCat(PiecesOf(id), writing, "/");
}
std::string EtcdKeys::Piece(absl::string_view id, absl::string_view writing, size_t index) const {
  return absl::StrCat(PiecesOf(id, writing), absl::StrFormat("%06d", index));
}
std::string EtcdKeys::Node(absl::string_view id) const { return absl::StrCat(prefix_, kNodes, id); }
std::string EtcdKeys::RequestsFrom(absl::Time time) const {
  const int64_t micros = std::max(absl::ToUnixMicros(time), int64_t{0});
  return absl::StrCat(prefix_, kRequests, absl::StrFormat("%0*d", kTimeDigits, micros));
}
std::string EtcdKeys::Request(const RequestRecord& request) const {
  return absl::StrCat(RequestsFrom(request.made), "/", request.request_id);
}

EncodedJob EncodeJob(const JobRecord& record, const std::string& writing, size_t max_value_bytes) {
  const std::string job = record.job.SerializeAsString();
  const int cause = static_cast<int>(record.stop_cause);
  EncodedJob encoded;
  v1::StoredJob stored;
  stored.set_stop_cause(cause);
  stored.set_stop_reason(record.stop_reason);
  stored.set_crc(CrcOf(record.job.id(), cause, record.stop_reason, job));
  if (job.size() <= max_value_bytes) {
    stored.set_job(job);
  } else {
    for (size_t begin = 0; begin < job.size(); begin += max_value_bytes) {
      encoded.pieces.push_back(job.substr(begin, max_value_bytes));
    }
    stored.set_pieces(static_cast<int>(encoded.pieces.size()));
    stored.set_pieces_of(writing);
  }
  encoded.value = stored.SerializeAsString();
  return encoded;
}

std::string EncodeNode(const NodeRecord& record) {
  v1::StoredNode stored;
  stored.set_cordoned(record.cordoned);
  stored.set_draining(record.draining);
  stored.set_reason(record.reason);
  return stored.SerializeAsString();
}

absl::Status EtcdRecordReader::Add(const EtcdEntry& entry) {
  absl::string_view rest = entry.key;
  if (!absl::ConsumePrefix(&rest, keys_.prefix())) return Damaged(entry.key, "not one of ours");
  if (absl::ConsumePrefix(&rest, kJobs)) {
    if (jobs_[std::string(rest)].ParseFromString(entry.value)) return absl::OkStatus();
    return Damaged(entry.key, "not a job");
  }
  if (absl::ConsumePrefix(&rest, kNodes)) {
    v1::StoredNode stored;
    if (!stored.ParseFromString(entry.value)) return Damaged(entry.key, "not a node");
    state_.nodes.push_back(
        {std::string(rest), stored.cordoned(), stored.draining(), stored.reason()});
    return absl::OkStatus();
  }
  if (absl::ConsumePrefix(&rest, kRequests)) return AddRequest(entry, rest);
  if (absl::StartsWith(rest, kPieces)) pieces_[entry.key] = entry.value;
  return absl::OkStatus();  // A later version may keep more.
}

absl::Status EtcdRecordReader::AddRequest(const EtcdEntry& entry, absl::string_view rest) {
  int64_t micros = 0;
  if (rest.size() <= kTimeDigits || rest[kTimeDigits] != '/' ||
      !absl::SimpleAtoi(rest.substr(0, kTimeDigits), &micros)) {
    return Damaged(entry.key, "not a request id");
  }
  state_.requests.push_back(
      {std::string(rest.substr(kTimeDigits + 1)), entry.value, absl::FromUnixMicros(micros)});
  return absl::OkStatus();
}

absl::StatusOr<JobRecord> EtcdRecordReader::Decode(const std::string& id, v1::StoredJob* stored) {
  for (int i = 0; i < stored->pieces(); ++i) {
    const auto piece = pieces_.find(keys_.Piece(id, stored->pieces_of(), static_cast<size_t>(i)));
    if (piece == pieces_.end())
      return Damaged(keys_.Job(id), absl::StrCat("piece ", i, " is gone"));
    stored->mutable_job()->append(piece->second);
  }
  JobRecord record;
  record.stop_cause = static_cast<StopCause>(stored->stop_cause());
  record.stop_reason = stored->stop_reason();
  if (CrcOf(id, stored->stop_cause(), record.stop_reason, stored->job()) != stored->crc() ||
      !record.job.ParseFromString(stored->job()) || record.job.id() != id) {
    return Damaged(keys_.Job(id), "the record does not match its sum");
  }
  return record;
}

absl::StatusOr<StoredState> EtcdRecordReader::Finish(std::vector<std::string>* pieced) {
  for (auto& [id, stored] : jobs_) {
    MUSTER_ASSIGN_OR_RETURN(JobRecord record, Decode(id, &stored));
    state_.jobs.push_back(std::move(record));
  }
  const size_t skip = keys_.prefix().size() + sizeof(kPieces) - 1;
  for (const auto& [key, piece] : pieces_) {
    const std::string id = key.substr(skip, key.find('/', skip) - skip);
    if (pieced->empty() || pieced->back() != id) pieced->push_back(id);
  }
  return std::move(state_);
}

}  // namespace muster
