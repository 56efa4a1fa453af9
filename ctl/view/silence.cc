#include "ctl/view/silence.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ctl/client/job_watcher.h"
#include "ctl/view/words.h"

namespace muster {
namespace {

bool IsOver(const v1::Job& job, int number) {
  if (IsFinal(job.status().state())) return true;
  for (const v1::Attempt& attempt : job.status().attempts()) {
    if (attempt.number() == number) return attempt.has_end_time();
  }
  return IsLeftOut(job, number);
}

std::string RanksText(const std::vector<RankRange>& ranks) {
  return absl::StrJoin(ranks, ",", [](std::string* out, const RankRange& range) {
    absl::StrAppend(out, range.first);
    if (range.last > range.first) absl::StrAppend(out, "-", range.last);
  });
}

}  // namespace

std::string SilenceText(const v1::Job& job, int attempt, const LogSelection& selection) {
  const std::vector<RankRange>& ranks = selection.ranks;
  const bool several = ranks.size() > 1 || (ranks.size() == 1 && ranks[0].first < ranks[0].last);
  const bool over = IsOver(job, attempt);
  std::string text;
  if (!ranks.empty())
    absl::StrAppend(&text, several ? "ranks " : "rank ", RanksText(ranks), " of ");
  absl::StrAppend(&text, "job ", job.id());
  absl::StrAppend(&text, over      ? " wrote nothing"
                         : several ? " have written nothing"
                                   : " has written nothing");
  if (selection.want_stdout != selection.want_stderr) {
    absl::StrAppend(&text, selection.want_stdout ? " to stdout" : " to stderr");
  }
  if (attempt >= 0) absl::StrAppend(&text, " in attempt ", attempt);
  if (over) return text;
  absl::StrAppend(&text, " yet; the job is ", StateWord(job.status().state()));
  if (!job.status().reason().empty()) absl::StrAppend(&text, ": ", job.status().reason());
  return text;
}

}  // namespace muster
