#include "ctl/view/progress.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ctl/view/words.h"

namespace muster {
namespace {

bool CouldNotStart(const v1::RankStatus& rank) { return rank.exit().has_not_started(); }

// "5/8 ranks"; the ranks that were started, of all.
std::string RanksText(const v1::Attempt& attempt) {
  const auto started =
      std::count_if(attempt.ranks().begin(), attempt.ranks().end(), [](const v1::RankStatus& rank) {
        return rank.state() >= v1::RANK_STATE_RUNNING && !CouldNotStart(rank);
      });
  int placed = 0;
  for (const v1::NodePlacement& node : attempt.placement().nodes()) placed += node.ranks_size();
  return absl::StrCat(started, "/", std::max(placed, attempt.ranks_size()), " ranks");
}

// The job passes through RUNNING on its way to the verdict, which says all of it.
bool NeverRan(const v1::Job& job) {
  if (job.status().state() != v1::JOB_STATE_RUNNING || job.status().attempts().empty()) {
    return false;
  }
  const auto& ranks = job.status().attempts().rbegin()->ranks();
  return std::any_of(ranks.begin(), ranks.end(), CouldNotStart);
}

}  // namespace

std::string StageText(const v1::Job& job) {
  const v1::JobStatus& status = job.status();
  const v1::Attempt attempt =
      status.attempts().empty() ? v1::Attempt() : *status.attempts().rbegin();
  std::string text = StateWord(status.state());
  switch (status.state()) {
    case v1::JOB_STATE_RESERVING:
      return absl::StrCat("placed on ", Count(attempt.placement().nodes_size(), "node"));
    case v1::JOB_STATE_STARTING:
      absl::StrAppend(&text, " (", RanksText(attempt), ")");
      break;
    case v1::JOB_STATE_RUNNING:
      absl::StrAppend(&text, " (", Count(attempt.ranks_size(), "rank"), " on ",
                      Count(attempt.placement().nodes_size(), "node"), ")");
      break;
    default:
      break;
  }
  if (attempt.number() > 0 && status.state() != v1::JOB_STATE_QUEUED) {
    absl::StrAppend(&text, ", attempt ", attempt.number());
  }
  if (!status.reason().empty() && status.state() != v1::JOB_STATE_RUNNING) {
    absl::StrAppend(&text, ": ", status.reason());
  }
  return text;
}

void Progress::OnJob(const v1::Job& job) {
  if (quiet_) return;
  const v1::JobState state = job.status().state();
  // The verdict tells of the end.
  if (state == v1::JOB_STATE_SUCCEEDED || state == v1::JOB_STATE_FAILED ||
      state == v1::JOB_STATE_CANCELLED) {
    return Clear();
  }
  if (NeverRan(job)) return;
  const std::string text = absl::StrCat(job.id(), " ", StageText(job));
  if (text == shown_) return;
  shown_ = text;
  if (!terminal_.is_tty) {
    // A line for each stage, not for each rank that starts.
    const int attempts = job.status().attempts_size();
    const std::string stage = absl::StrCat(attempts, StateWord(state), job.status().reason());
    if (std::exchange(stage_, stage) != stage) Line(text);
    return;
  }
  Clear();
  if (state == v1::JOB_STATE_RUNNING) return Line(text);
  err_->Write(terminal_.Dim(EscapeForTerminal(text, false)));
  drawn_ = true;
}

void Progress::Notice(absl::string_view text) {
  Clear();
  Line(text);
}

void Progress::Clear() {
  if (!drawn_) return;
  drawn_ = false;
  err_->Write("\r\x1b[K");
  err_->Flush();
}

void Progress::Line(absl::string_view text) {
  if (terminal_.is_tty) {
    err_->Write(absl::StrCat(terminal_.Dim(EscapeForTerminal(text, false)), "\n"));
    return;
  }
  err_->Write(absl::StrCat(
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ ", clock_->Wall(), absl::UTCTimeZone()), text, "\n"));
}

}  // namespace muster
