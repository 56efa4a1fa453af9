#include "scheduler/core/job_queue.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace muster {
bool JobQueue::Key::operator<(const Key& other) const {
  return std::tie(other.priority, submit_ns, job_id) <
         std::tie(priority, other.submit_ns, other.job_id);
}

void JobQueue::Add(const Item& item) {
  Remove(item.job_id);
  const Key key{item.priority, item.submit_ns, item.job_id};
  order_[key] = {item, std::nullopt};
  keys_.emplace(item.job_id, key);
  ++by_owner_[item.owner];
}

void JobQueue::Remove(const std::string& job_id) {
  const auto it = keys_.find(job_id);
  if (it == keys_.end()) return;
  const auto waiting = order_.find(it->second);
  const auto count = by_owner_.find(waiting->second.item.owner);
  if (--count->second == 0) by_owner_.erase(count);
  order_.erase(waiting);
  keys_.erase(it);
}

int JobQueue::CountOf(const std::string& owner) const {
  const auto count = by_owner_.find(owner);
  return count == by_owner_.end() ? 0 : count->second;
}

std::vector<JobQueue::Decision> JobQueue::Pass(const QueueScene& scene) {
  QueuePass pass(scene);
  std::vector<Decision> decisions;
  int blocked = 0;
  int over_quota = 0;
  for (auto& [key, waiting] : order_) {
    if (blocked >= options_.max_blocked) break;
    if (waiting.item.not_before > scene.now) {
      pass.ConsiderLater(waiting.item);
      continue;
    }
    Decision decision = pass.Consider(waiting.item);
    waiting.waits_until = decision.waits_until;
    if (decision.over_quota) {
      if (++over_quota > options_.max_blocked) continue;
    } else if (!decision.plan.ok()) {
      ++blocked;
    }
    decisions.push_back(std::move(decision));
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

}  // namespace muster
