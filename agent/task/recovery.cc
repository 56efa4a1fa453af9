#include "agent/task/recovery.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace muster {

absl::StatusOr<FoundGang> ReadGang(const GangDir& dir, std::vector<std::string>* problems) {
  MUSTER_ASSIGN_OR_RETURN(Intent intent, dir.ReadIntent());
  FoundGang gang{dir, std::move(intent), std::nullopt, std::nullopt, std::nullopt};
  absl::StatusOr<v1::GangReport> report = dir.ReadReport();
  if (report.ok()) {
    gang.report = *std::move(report);
  } else if (!absl::IsNotFound(report.status())) {
    // Not the record itself: that is the exit journal.
    problems->push_back(absl::StrCat(report.status().message(), "; the exit journal stands in"));
  }
  if (const absl::StatusOr<absl::Time> acked = dir.ReadAcked(); acked.ok()) {
    gang.acked = PastMoment::OnRecord(*acked);
  }
  const absl::StatusOr<absl::Duration> stop = dir.ReadStop();
  if (stop.ok()) {
    gang.stop = *stop;
  } else if (!absl::IsNotFound(stop.status())) {
    // A stop is a stop, whatever became of its grace.
    gang.stop = absl::ZeroDuration();
    problems->push_back(absl::StrCat(stop.status().message(), "; taken for a stop without grace"));
  }
  return gang;
}

absl::StatusOr<FoundGangs> FindGangs(const std::string& state_dir,
                                     const std::function<bool(const GangDir& dir)>& runs) {
  using Names = std::vector<std::pair<std::string, int>>;
  MUSTER_ASSIGN_OR_RETURN(const Names names, GangDir::List(state_dir));
  FoundGangs found;
  for (const auto& [job_id, attempt] : names) {
    MUSTER_ASSIGN_OR_RETURN(const GangDir dir, GangDir::Make(state_dir, job_id, attempt));
    absl::StatusOr<FoundGang> gang = ReadGang(dir, &found.problems);
    if (gang.ok()) {
      found.gangs.push_back(*std::move(gang));
      continue;
    }
    const bool damaged = absl::IsDataLoss(gang.status());
    const bool never_begun = absl::IsNotFound(gang.status());
    if (runs(dir) || (!damaged && !never_begun)) {
      found.problems.push_back(absl::StrCat(gang.status().message(), "; set aside until it ends"));
      found.aside.push_back(dir);
      continue;
    }
    if (damaged) {
      found.problems.push_back(absl::StrCat(gang.status().message(), "; moved to quarantine"));
    }
    // On a disk that is full or broken it stays where it is, and nothing of it runs.
    const absl::Status gone = damaged ? dir.Quarantine() : dir.Remove();
    if (!gone.ok()) found.problems.emplace_back(gone.message());
  }
  return found;
}

GangFate Decide(const GangEvidence& evidence) {
  if (evidence.reported) return GangFate::kReported;
  if (evidence.shim_lives) return GangFate::kAdopt;
  if (evidence.finished) return GangFate::kConclude;
  if (!evidence.same_boot) return evidence.begun ? GangFate::kLost : GangFate::kNotStarted;
  if (evidence.begun) return GangFate::kTakeOver;
  if (evidence.stop_taken || evidence.intent_age > kResumeWithin) return GangFate::kNotStarted;
  return GangFate::kStart;
}

absl::string_view Name(GangFate fate) {
  switch (fate) {
    case GangFate::kReported:
      return "reported";
    case GangFate::kAdopt:
      return "adopt";
    case GangFate::kTakeOver:
      return "take over";
    case GangFate::kConclude:
      return "conclude";
    case GangFate::kLost:
      return "lost";
    case GangFate::kStart:
      return "start";
    case GangFate::kNotStarted:
      return "not started";
  }
  return "?";
}

}  // namespace muster
