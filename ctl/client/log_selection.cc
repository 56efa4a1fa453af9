#include "ctl/client/log_selection.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/job/job_names.h"

namespace muster {
namespace {

std::vector<std::string> RoleNames(const v1::JobSpec& spec) {
  std::vector<std::string> names;
  for (const v1::RoleSpec& role : spec.roles()) names.push_back(role.name());
  if (names.empty()) names.push_back(kWorkerRole);
  return names;
}

bool Contains(const std::vector<RankRange>& ranges, int rank) {
  return ranges.empty() || std::any_of(ranges.begin(), ranges.end(), [rank](const RankRange& r) {
           return r.first <= rank && rank <= r.last;
         });
}

int LastAttempt(const v1::Job& job) {
  const auto& attempts = job.status().attempts();
  return attempts.empty() ? -1 : attempts.rbegin()->number();
}

}  // namespace

absl::StatusOr<std::vector<RankRange>> ParseRanks(absl::string_view text) {
  std::vector<RankRange> ranges;
  if (text == "all") return ranges;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    const std::vector<absl::string_view> ends = absl::StrSplit(part, absl::MaxSplits('-', 1));
    RankRange range;
    const bool good = absl::SimpleAtoi(ends.front(), &range.first) &&
                      absl::SimpleAtoi(ends.back(), &range.last) && range.first >= 0 &&
                      range.first <= range.last;
    if (!good) {
      return absl::InvalidArgumentError(
          absl::StrCat("--rank: '", part, "' is no rank; write it like 7, 0-3,7 or all"));
    }
    ranges.push_back(range);
  }
  return ranges;
}

absl::StatusOr<std::string> RoleOf(const LogSelection& selection, const v1::JobSpec& spec) {
  const std::vector<std::string> roles = RoleNames(spec);
  const std::string wanted = selection.role.empty() && !selection.ranks.empty()
                                 ? (roles.size() == 1 ? roles.front() : kWorkerRole)
                                 : selection.role;
  if (wanted.empty() || std::find(roles.begin(), roles.end(), wanted) != roles.end()) return wanted;
  const std::string known = absl::StrJoin(roles, ", ");
  if (selection.role.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--rank alone means the role 'worker', and this job has ", known, "; say --role as well"));
  }
  return absl::NotFoundError(absl::StrCat("role '", wanted, "': the job has ", known));
}

std::vector<CursorBook::Rank> SelectRanks(const LogSelection& selection, const std::string& role,
                                          const v1::NodePlacement& node) {
  std::vector<CursorBook::Rank> ranks;
  for (const v1::RankPlacement& rank : node.ranks()) {
    if (!role.empty() && rank.role() != role) continue;
    if (Contains(selection.ranks, rank.rank())) ranks.push_back({rank.role(), rank.rank()});
  }
  return ranks;
}

absl::Status CheckRanksExist(const LogSelection& selection, const std::string& role,
                             const v1::Placement& placement) {
  int highest = -1;
  for (const v1::NodePlacement& node : placement.nodes()) {
    for (const v1::RankPlacement& rank : node.ranks()) {
      if (role.empty() || rank.role() == role) highest = std::max(highest, rank.rank());
    }
  }
  for (const RankRange& range : selection.ranks) {
    if (range.last <= highest) continue;
    return absl::NotFoundError(absl::StrCat("rank ", std::max(range.first, highest + 1),
                                            ": the job has ranks 0 to ", highest));
  }
  return absl::OkStatus();
}

bool IsLeftOut(const v1::Job& job, int attempt) {
  if (attempt < 0 || attempt >= LastAttempt(job)) return false;
  const auto& attempts = job.status().attempts();
  // The first one stays, but in a job too large for a message without its placement.
  return std::none_of(attempts.begin(), attempts.end(), [attempt](const v1::Attempt& known) {
    return known.number() == attempt && !known.placement().nodes().empty();
  });
}

absl::Status CheckAttemptExists(const v1::Job& job, int attempt) {
  const int last = LastAttempt(job);
  if (attempt < 0 || attempt > last) {
    return absl::NotFoundError(absl::StrCat("job ", job.id(), " has no attempt ", attempt,
                                            last < 0 ? "" : absl::StrCat(", the last is ", last)));
  }
  if (!IsLeftOut(job, attempt)) return absl::OkStatus();
  int next = attempt;
  while (IsLeftOut(job, next)) ++next;
  return absl::NotFoundError(absl::StrCat(
      "job ", job.id(), ": where attempt ", attempt, " ran is no longer on record; read attempt ",
      next, " or a later one, or jobs/", job.id(), "/", attempt,
      "/logs in the state directory of an agent that it ran on"));
}

}  // namespace muster
