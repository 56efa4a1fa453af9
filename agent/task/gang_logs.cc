#include "agent/task/gang_logs.h"

#include "absl/strings/str_cat.h"
#include "agent/shim/log_format.h"
#include "common/base/fs.h"
#include "common/base/status.h"

namespace muster {

GangLogs::GangLogs(const std::string& gang_dir, int ranks, Subscribe subscribe)
    : gang_dir_(gang_dir), subscribe_(std::move(subscribe)), streams_(static_cast<size_t>(ranks)) {}

void GangLogs::SetPlan(const ShimPlan& plan) {
  planned_ = true;
  for (size_t i = 0; i < streams_.size() && i < plan.ranks.size(); ++i) {
    const ShimRank& rank = plan.ranks[i];
    const bool merged = MergesStreams(plan, rank);  // All is in .out; .err stays empty.
    for (const bool is_stderr : {false, true}) {
      StreamFiles::Where& where = streams_[i].where[is_stderr];
      where.logs_dir = JoinPath(gang_dir_, kLogsDir);
      where.stream = StreamName(rank.role, rank.rank, is_stderr);
      if (!(is_stderr && merged)) where.user_path = is_stderr ? rank.err_path : rank.out_path;
    }
  }
}

absl::Status GangLogs::ReadPlan() {
  const std::string path = JoinPath(gang_dir_, kPlanFile);
  const absl::StatusOr<std::string> bytes = ReadFile(path);
  // A gang that ended without a plan has streams, all of them empty.
  if (absl::IsNotFound(bytes.status()) && ended_) return absl::OkStatus();
  if (absl::IsNotFound(bytes.status())) return absl::UnavailableError("no output yet, try again");
  if (!bytes.ok()) return bytes.status();
  ShimPlan plan;
  std::string error;
  if (!DecodeShimPlan(*bytes, &plan, &error)) {
    return absl::DataLossError(absl::StrCat(path, ": ", error));
  }
  SetPlan(plan);
  return absl::OkStatus();
}

absl::StatusOr<OutputLog*> GangLogs::Find(int index, bool is_stderr) {
  if (!planned_) MUSTER_RETURN_IF_ERROR(ReadPlan());
  Streams& streams = streams_[static_cast<size_t>(index)];
  std::unique_ptr<StreamLog>& log = streams.log[is_stderr];
  if (log == nullptr) {
    log = std::make_unique<StreamLog>(streams.where[is_stderr], [this, index, is_stderr](bool on) {
      subscribe_(index, is_stderr, on);
    });
    if (ended_) log->OnEnded(FinalLength(index, is_stderr));
  }
  return log.get();
}

int64_t GangLogs::FinalLength(int index, bool is_stderr) const {
  if (lengths_.size() != streams_.size()) return -1;
  const std::pair<int64_t, int64_t>& lengths = lengths_[static_cast<size_t>(index)];
  return is_stderr ? lengths.second : lengths.first;
}

void GangLogs::OnGrew(int index, bool is_stderr, int64_t length) {
  if (index < 0 || index >= static_cast<int>(streams_.size())) return;
  StreamLog* const log = streams_[static_cast<size_t>(index)].log[is_stderr].get();
  if (log != nullptr) log->OnGrew(length);
}

void GangLogs::OnEnded(std::vector<std::pair<int64_t, int64_t>> lengths) {
  ended_ = true;
  lengths_ = std::move(lengths);
  for (size_t i = 0; i < streams_.size(); ++i) {
    for (const bool is_stderr : {false, true}) {
      StreamLog* const log = streams_[i].log[is_stderr].get();
      if (log != nullptr) log->OnEnded(FinalLength(static_cast<int>(i), is_stderr));
    }
  }
}

void GangLogs::Resubscribe() {
  for (Streams& streams : streams_) {
    for (const std::unique_ptr<StreamLog>& log : streams.log) {
      if (log != nullptr) log->Resubscribe();
    }
  }
}

}  // namespace muster
