#include "scheduler/core/attempt_ranks.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "common/job/rank_map.h"
#include "scheduler/core/job_state.h"
#include "scheduler/core/success_policy.h"

namespace muster {
namespace {

using RankKey = std::pair<std::string, int>;

// The records of host `node`'s ranks, by name.
std::map<RankKey, v1::RankStatus*> RanksOfHost(v1::Attempt* attempt, int node) {
  std::map<RankKey, v1::RankStatus*> all;
  for (v1::RankStatus& rank : *attempt->mutable_ranks()) all[{rank.role(), rank.rank()}] = &rank;
  std::map<RankKey, v1::RankStatus*> here;
  for (const v1::RankPlacement& rank : attempt->placement().nodes(node).ranks()) {
    const auto it = all.find({rank.role(), rank.rank()});
    if (it != all.end()) here.insert(*it);
  }
  return here;
}

// An agent that was restarted may know from its journal how a rank ended, but not when it began;
// and of whom nobody knows anything it may have run: to take him for not started would start him
// again at no cost.
bool Started(const v1::RankStatus& rank) {
  return rank.pid() != 0 || rank.has_start_time() || rank.state() == v1::RANK_STATE_RUNNING ||
         rank.state() == v1::RANK_STATE_UNKNOWN ||
         rank.exit().how_case() == v1::ExitResult::kCode ||
         rank.exit().how_case() == v1::ExitResult::kSignal;
}

bool IsSeen(const v1::ExitResult& exit) { return exit.has_code() || exit.has_signal(); }

// Whether `news` says of a life that has ended what `rank` only believes.
bool KnowsBetter(const v1::RankStatus& news, const v1::RankStatus& rank) {
  if (!RankEnded(news) || news.restarts() < rank.restarts()) return false;
  if (IsSeen(rank.exit())) return news.restarts() > rank.restarts() && IsSeen(news.exit());
  return IsSeen(news.exit()) || (news.exit().has_not_started() && !rank.exit().has_not_started());
}

// By their bytes, which for a message without maps are as good as a comparison of its fields, at a
// tenth of the time: each report has all ranks of a host.
bool Same(const v1::RankStatus& a, const v1::RankStatus& b) {
  return a.ByteSizeLong() == b.ByteSizeLong() && a.SerializeAsString() == b.SerializeAsString();
}

// `news` of `rank`, with what only the record knows.
v1::RankStatus Merged(const v1::RankStatus& news, const v1::RankStatus& rank) {
  v1::RankStatus merged = news;
  merged.set_local_rank(rank.local_rank());
  merged.set_node_name(rank.node_name());
  *merged.mutable_devices() = rank.devices();
  if (merged.restarts() != rank.restarts()) return merged;
  if (merged.pid() == 0) merged.set_pid(rank.pid());
  if (!merged.has_start_time() && rank.has_start_time()) {
    *merged.mutable_start_time() = rank.start_time();  // What is known of this life stays known.
  }
  return merged;
}

}  // namespace

v1::Attempt MakeAttempt(const v1::JobSpec& spec, int number, const v1::Placement& placement) {
  v1::Attempt attempt;
  attempt.set_number(number);
  *attempt.mutable_placement() = placement;
  std::map<std::string, std::map<int, v1::RankStatus>> by_role;
  for (const v1::NodePlacement& node : placement.nodes()) {
    for (const v1::RankPlacement& rank : node.ranks()) {
      v1::RankStatus& status = by_role[rank.role()][rank.rank()];
      status.set_role(rank.role());
      status.set_rank(rank.rank());
      status.set_local_rank(rank.local_rank());
      status.set_node_name(node.node_name());
      status.set_state(v1::RANK_STATE_RESERVED);
      *status.mutable_devices() = rank.devices();
    }
  }
  for (const v1::RoleSpec& role : spec.roles()) {
    for (auto& [rank, status] : by_role[role.name()]) *attempt.add_ranks() = std::move(status);
  }
  return attempt;
}

int FindNode(const v1::Placement& placement, const std::string& node_id) {
  for (int i = 0; i < placement.nodes_size(); ++i) {
    if (placement.nodes(i).node_id() == node_id) return i;
  }
  return -1;
}

bool ApplyReport(const v1::GangReport& report, int node, v1::Attempt* attempt) {
  const std::map<RankKey, v1::RankStatus*> here = RanksOfHost(attempt, node);
  bool changed = false;
  for (const v1::RankStatus& news : report.ranks()) {
    const auto it = here.find({news.role(), news.rank()});
    if (it == here.end()) continue;
    v1::RankStatus* const rank = it->second;
    if (RankEnded(*rank) && !RankEnded(news) && news.restarts() <= rank->restarts()) continue;
    v1::RankStatus updated = Merged(news, *rank);
    if (Same(updated, *rank)) continue;
    *rank = std::move(updated);
    changed = true;
  }
  return changed;
}

bool ApplyLateExits(const v1::GangReport& report, int node, v1::Attempt* attempt) {
  const std::map<RankKey, v1::RankStatus*> here = RanksOfHost(attempt, node);
  bool changed = false;
  for (const v1::RankStatus& news : report.ranks()) {
    const auto it = here.find({news.role(), news.rank()});
    if (it == here.end() || !KnowsBetter(news, *it->second)) continue;
    *it->second = Merged(news, *it->second);
    changed = true;
  }
  return changed;
}

void EndRanks(int node, v1::RankState state, const v1::ExitResult& exit, absl::Time now,
              v1::Attempt* attempt) {
  for (auto& [key, rank] : RanksOfHost(attempt, node)) {
    if (RankEnded(*rank)) continue;
    rank->set_state(state);
    *rank->mutable_exit() = exit;
    *rank->mutable_end_time() = ToTimestamp(now);
  }
}

bool NodeRanksEnded(const v1::Attempt& attempt, int node) {
  v1::Attempt copy;
  *copy.mutable_ranks() = attempt.ranks();
  *copy.mutable_placement() = attempt.placement();
  const auto here = RanksOfHost(&copy, node);
  return std::all_of(here.begin(), here.end(),
                     [](const auto& rank) { return RankEnded(*rank.second); });
}

bool NodeRanksStarted(const v1::Attempt& attempt, int node) {
  v1::Attempt copy;
  *copy.mutable_ranks() = attempt.ranks();
  *copy.mutable_placement() = attempt.placement();
  const auto here = RanksOfHost(&copy, node);
  return std::any_of(here.begin(), here.end(),
                     [](const auto& rank) { return Started(*rank.second); });
}

bool AnyRankStarted(const v1::Attempt& attempt) {
  return std::any_of(attempt.ranks().begin(), attempt.ranks().end(), Started);
}

}  // namespace muster
