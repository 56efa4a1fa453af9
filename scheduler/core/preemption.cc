#include "scheduler/core/preemption.h"

#include <algorithm>
#include <tuple>

namespace muster {
namespace {

using Gangs = std::vector<const RunningGang*>;
using Fits = std::function<bool(const Gangs& gone)>;

constexpr size_t kMaxTriedAlone = 64;

// Lowest priority first, then the youngest; by name for the same answer every time.
bool StopsBefore(const RunningGang* a, const RunningGang* b) {
  return std::tie(a->priority, b->start_ns, a->job_id) <
         std::tie(b->priority, a->start_ns, b->job_id);
}

int CountDevices(const RunningGang& gang) {
  int count = 0;
  for (const v1::NodePlacement& node : gang.placement->nodes()) count += node.devices_size();
  return count;
}

// Spares one gang after the other, in the order of `gangs`, where it still fits: what is left
// cannot be spared. It fits without all of them.
Gangs SpareInOrder(Gangs gangs, const Fits& fits) {
  Gangs victims;
  while (!gangs.empty()) {
    // How many of the first ones can be spared at once: `low` can, `high` cannot.
    size_t low = 0;
    size_t high = gangs.size() + 1;
    while (high - low > 1) {
      const size_t middle = low + (high - low) / 2;
      Gangs gone = victims;
      gone.insert(gone.end(), gangs.begin() + static_cast<std::ptrdiff_t>(middle), gangs.end());
      (fits(gone) ? low : high) = middle;
    }
    if (low == gangs.size()) break;
    victims.push_back(gangs[low]);
    gangs.erase(gangs.begin(), gangs.begin() + static_cast<std::ptrdiff_t>(low) + 1);
  }
  return victims;
}

}  // namespace

bool MayStop(const RunningGang& gang, int priority, int64_t submit_ns, const std::string& job_id) {
  if (!gang.may_be_stopped || gang.ends_soon) return false;
  if (gang.priority != priority) return gang.priority < priority;
  return gang.has_passed && std::tie(submit_ns, job_id) < std::tie(gang.submit_ns, gang.job_id);
}

std::vector<const RunningGang*> ChooseVictims(std::vector<const RunningGang*> candidates,
                                              const Fits& fits) {
  if (candidates.empty() || !fits(candidates)) return {};
  std::sort(candidates.begin(), candidates.end(), StopsBefore);
  Gangs victims = SpareInOrder({candidates.rbegin(), candidates.rend()}, fits);
  if (victims.size() <= 1) return victims;
  for (size_t i = 0; i < std::min(candidates.size(), kMaxTriedAlone); ++i) {
    if (fits({candidates[i]})) return {candidates[i]};
  }
  // Large gangs are fewer.
  Gangs by_size(candidates.rbegin(), candidates.rend());
  std::stable_sort(by_size.begin(), by_size.end(), [](const auto* a, const auto* b) {
    return CountDevices(*a) < CountDevices(*b);
  });
  const Gangs large = SpareInOrder(by_size, fits);
  return large.size() < victims.size() ? large : victims;
}

}  // namespace muster
