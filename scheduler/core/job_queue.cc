#include "scheduler/core/job_queue.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace muster {
namespace {

bool TakesDevices(const v1::Placement& placement) {
  return std::any_of(placement.nodes().begin(), placement.nodes().end(),
                     [](const v1::NodePlacement& node) { return node.devices_size() > 0; });
}

}  // namespace

bool JobQueue::Key::operator<(const Key& other) const {
  return std::tie(other.priority, submit_ns, job_id) <
         std::tie(priority, other.submit_ns, other.job_id);
}

void JobQueue::Add(const Item& item) {
  Remove(item.job_id);
  const Key key{item.priority, item.submit_ns, item.job_id};
  order_[key] = {item, std::nullopt};
  keys_.emplace(item.job_id, key);
}

void JobQueue::Remove(const std::string& job_id) {
  const auto it = keys_.find(job_id);
  if (it == keys_.end()) return;
  order_.erase(it->second);
  keys_.erase(it);
}

std::vector<JobQueue::Decision> JobQueue::Pass(ClusterView cluster, absl::Duration now) {
  std::vector<Decision> decisions;
  std::vector<Waiting*> blocked;
  for (auto& [key, waiting] : order_) {
    if (static_cast<int>(blocked.size()) >= options_.max_blocked) break;
    if (waiting.item.not_before > now) continue;
    absl::StatusOr<GangPlan> plan = PlanGang(*waiting.item.spec, cluster, waiting.item.previous);
    if (plan.ok()) {
      TakePlacement(plan->placement, &cluster);
      for (Waiting* passed : blocked) {
        if (TakesDevices(plan->placement) && !passed->passed_since.has_value())
          passed->passed_since = now;
      }
    } else {
      const bool overdue =
          waiting.passed_since.has_value() && now - *waiting.passed_since >= options_.pass_limit;
      if (overdue && CheckEverFits(*waiting.item.spec, cluster).ok()) {
        ClaimFor(*waiting.item.spec, &cluster);
      }
      blocked.push_back(&waiting);
    }
    decisions.push_back({waiting.item.job_id, std::move(plan)});
  }
  for (const Decision& decision : decisions) {
    if (decision.plan.ok()) Remove(decision.job_id);
  }
  return decisions;
}

std::optional<absl::Duration> JobQueue::NextWake(absl::Duration now) const {
  std::optional<absl::Duration> next;
  for (const auto& [key, waiting] : order_) {
    if (waiting.item.not_before <= now) continue;
    next = next.has_value() ? std::min(*next, waiting.item.not_before) : waiting.item.not_before;
  }
  return next;
}

}  // namespace muster
