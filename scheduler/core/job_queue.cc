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
  order_[key] = {item, std::nullopt, std::nullopt};
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
    absl::StatusOr<GangPlan> plan = Plan(waiting.item, cluster);
    waiting.waits_until.reset();
    if (waiting.item.wait != nullptr) {
      const int hosts = plan.ok() ? plan->placement.nodes_size() : 0;
      waiting.waits_until = WaitsForMore(*waiting.item.spec, hosts, now, waiting.item.wait);
    }
    if (waiting.waits_until.has_value()) {
      TakePlacement(plan->placement, &cluster);
    } else if (plan.ok()) {
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
    decisions.push_back({waiting.item.job_id, std::move(plan), waiting.waits_until});
  }
  for (const Decision& decision : decisions) {
    if (decision.plan.ok() && !decision.waits_until.has_value()) Remove(decision.job_id);
  }
  return decisions;
}

std::optional<absl::Duration> JobQueue::NextWake(absl::Duration now) const {
  std::optional<absl::Duration> next;
  for (const auto& [key, waiting] : order_) {
    const absl::Duration due = std::max(waiting.item.not_before, waiting.waits_until.value_or(now));
    if (due > now) next = next.has_value() ? std::min(*next, due) : due;
  }
  return next;
}

std::vector<const v1::JobSpec*> JobQueue::WaitingFrom(int priority) const {
  std::vector<const v1::JobSpec*> specs;
  for (const auto& [key, waiting] : order_) {
    if (key.priority < priority) break;
    specs.push_back(waiting.item.spec);
  }
  return specs;
}

absl::StatusOr<GangPlan> JobQueue::Plan(const Item& item, const ClusterView& cluster) {
  if (!item.avoid.empty()) {
    ClusterView others;
    for (const NodeView& node : cluster.nodes) {
      if (item.avoid.count(node.id) == 0) others.nodes.push_back(node);
    }
    absl::StatusOr<GangPlan> plan = PlanGang(*item.spec, others, item.previous);
    if (plan.ok()) return plan;
  }
  return PlanGang(*item.spec, cluster, item.previous);
}

}  // namespace muster
