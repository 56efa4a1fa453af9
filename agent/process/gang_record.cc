#include "agent/process/gang_record.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "agent/shim/exit_journal.h"
#include "agent/shim/log_format.h"
#include "common/base/fs.h"
#include "common/base/status.h"

namespace muster {

absl::StatusOr<ShimPlan> ReadGangPlan(const std::string& gang_dir) {
  const std::string path = JoinPath(gang_dir, kPlanFile);
  MUSTER_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  ShimPlan plan;
  std::string error;
  if (!DecodeShimPlan(bytes, &plan, &error)) {
    return absl::DataLossError(absl::StrCat(path, ": ", error));
  }
  return plan;
}

bool HasGangRecord(const std::string& gang_dir) {
  return PathExists(JoinPath(gang_dir, kExitsFile));
}

absl::StatusOr<GangRecord> ReadGangRecord(const std::string& gang_dir) {
  const std::string path = JoinPath(gang_dir, kExitsFile);
  MUSTER_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  const JournalContents contents = DecodeJournal(bytes);
  if (contents.wrong_version) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": written by an msshim of another major version"));
  }
  if (contents.damaged) {
    return absl::DataLossError(
        absl::StrCat(path, ": a record before the last one is damaged; nothing is guessed"));
  }
  const absl::StatusOr<ShimPlan> plan = ReadGangPlan(gang_dir);

  GangRecord gang;
  std::map<int, JournalRecord> last_exit;
  std::map<int, RunningRank> running;
  for (const JournalRecord& record : contents.records) {
    switch (record.kind) {
      case JournalKind::kStarted:
        running[record.index] = {record.index, record.restart, record.pid, record.boottime_ns,
                                 absl::FromUnixNanos(record.wall_ns)};
        last_exit.erase(record.index);
        gang.finished = false;
        break;
      case JournalKind::kExit:
        running.erase(record.index);
        last_exit[record.index] = record;
        gang.finished = false;
        break;
      case JournalKind::kLengths: {
        const auto index = static_cast<size_t>(record.index);
        if (gang.lengths.size() <= index) gang.lengths.resize(index + 1);
        gang.lengths[index] = {record.out_bytes, record.err_bytes};
        break;
      }
      case JournalKind::kFinished:
        gang.finished = true;
        break;
      case JournalKind::kHeader:
        break;
    }
  }
  std::vector<JournalRecord> exits;
  for (const auto& [index, record] : last_exit) exits.push_back(record);
  std::sort(exits.begin(), exits.end(),
            [](const JournalRecord& a, const JournalRecord& b) { return a.sequence < b.sequence; });
  for (const JournalRecord& record : exits) {
    gang.exits.push_back(MakeRankExit(record, plan.ok() ? &*plan : nullptr));
  }
  for (const auto& [index, rank] : running) gang.running.push_back(rank);
  return gang;
}

}  // namespace muster
