#include "scheduler/core/success_policy.h"

#include <algorithm>

#include "common/job/exit_result.h"
#include "common/job/job_names.h"
#include "scheduler/core/job_state.h"

namespace muster {
namespace {

// Hosts' clocks differ, and what ends right after the decision may be its fallout.
constexpr absl::Duration kClockSlack = absl::Seconds(1);

bool Matters(const v1::SuccessPolicy& policy, const v1::RankStatus& rank) {
  switch (policy.who_case()) {
    case v1::SuccessPolicy::kRole:
      return rank.role() == policy.role();
    case v1::SuccessPolicy::kRank:
      return rank.role() == kWorkerRole && rank.rank() == policy.rank();
    default:
      return true;
  }
}

}  // namespace

bool RankEnded(const v1::RankStatus& rank) {
  return rank.state() == v1::RANK_STATE_EXITED || rank.state() == v1::RANK_STATE_LOST ||
         rank.state() == v1::RANK_STATE_UNKNOWN;
}

bool AllRanksEnded(const RankStatuses& ranks) {
  return std::all_of(ranks.begin(), ranks.end(), RankEnded);
}

bool AllRanksStarted(const RankStatuses& ranks) {
  return std::all_of(ranks.begin(), ranks.end(), [](const v1::RankStatus& rank) {
    return RankEnded(rank) || rank.state() == v1::RANK_STATE_RUNNING ||
           rank.state() == v1::RANK_STATE_STOPPING;
  });
}

bool SuccessFulfilled(const v1::SuccessPolicy& policy, const RankStatuses& ranks) {
  bool any = false;
  for (const v1::RankStatus& rank : ranks) {
    if (!Matters(policy, rank)) continue;
    any = true;
    if (rank.state() != v1::RANK_STATE_EXITED || !Succeeded(rank.exit())) return false;
    if (rank.exit().stopped()) return false;  // It was told to go, and went politely.
  }
  return any;
}

bool HadFailed(const v1::JobSpec& spec, const RankStatuses& ranks, absl::Time decided) {
  const auto before = [decided](const v1::RankStatus& rank) {
    return RankEnded(rank) && !rank.exit().stopped() && rank.has_end_time() &&
           FromTimestamp(rank.end_time()) < decided - kClockSlack;
  };
  if (spec.on_failure() == v1::FAILURE_ACTION_CONTINUE) {
    return std::all_of(ranks.begin(), ranks.end(), before);
  }
  return std::any_of(ranks.begin(), ranks.end(), [&before](const v1::RankStatus& rank) {
    return before(rank) && !Succeeded(rank.exit());
  });
}

Verdict JudgeAttempt(const v1::JobSpec& spec, const RankStatuses& ranks) {
  if (AllRanksEnded(ranks)) return Verdict::kEnded;
  if (SuccessFulfilled(spec.success(), ranks)) {
    return spec.success().clean_up() == v1::CLEAN_UP_STOP ? Verdict::kCleanUp : Verdict::kGoOn;
  }
  const bool stop_gang = spec.on_failure() != v1::FAILURE_ACTION_CONTINUE;
  return stop_gang && FindFirstFailure(ranks) != nullptr ? Verdict::kFailed : Verdict::kGoOn;
}

}  // namespace muster
