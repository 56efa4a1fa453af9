#include "scheduler/plan/claim.h"

#include <algorithm>
#include <iterator>

#include "common/job/constraint.h"
#include "scheduler/plan/fit.h"
#include "scheduler/plan/gang_planner.h"

namespace muster {
namespace {

// Sizes of an elastic gang times its hosts: more are not gone through, its claim is then coarser.
constexpr int kMaxShares = 16384;

bool IsThere(const NodeView& node) {
  return !node.cordoned && node.state != v1::NODE_STATE_LOST &&
         node.state != v1::NODE_STATE_DRAINING;
}

ClusterView NodesThatAreThere(const ClusterView& idle) {
  ClusterView there;
  std::copy_if(idle.nodes.begin(), idle.nodes.end(), std::back_inserter(there.nodes), IsThere);
  return there;
}

// The different shares that hosts of the gang may have, over all its sizes.
std::vector<Share> DifferentShares(const v1::JobSpec& spec, int num_nodes_there) {
  const int least = std::max(spec.nodes().min(), 1);
  const int most = std::max(least, std::min(spec.nodes().max(), num_nodes_there));
  const bool all = (most - least + 1) * most <= kMaxShares;
  std::vector<Share> different;
  for (int n = least; n <= most; n += all ? 1 : std::max(most - least, 1)) {
    for (const Share& share : SharesOf(spec, n)) {
      const auto same = std::find(different.rbegin(), different.rend(), share);
      if (same == different.rend()) different.push_back(share);
    }
  }
  return different;
}

// By node id: what each gang has there.
using PartsOnNode = std::map<std::string, std::vector<const v1::NodePlacement*>>;
PartsOnNode PartsOf(const std::vector<const v1::Placement*>& gangs) {
  PartsOnNode parts;
  for (const v1::Placement* gang : gangs) {
    for (const v1::NodePlacement& node : gang->nodes()) parts[node.node_id()].push_back(&node);
  }
  return parts;
}

// How many healthy devices of a kind each gang gives back when it ends.
std::vector<int> HeldBy(const std::vector<const v1::NodePlacement*>& parts, const NodeView& node,
                        const std::string& kind) {
  std::set<int> healthy;
  for (const DeviceView& device : node.devices) {
    if (device.kind == kind && device.healthy) healthy.insert(device.physical);
  }
  std::vector<int> held;
  for (const v1::NodePlacement* part : parts) {
    held.push_back(static_cast<int>(std::count_if(
        part->devices().begin(), part->devices().end(), [&](const v1::DeviceId& device) {
          return device.kind() == kind && healthy.count(device.physical()) > 0;
        })));
  }
  return held;
}

}  // namespace

int SpareDevices(int need, int free, const std::vector<int>& held) {
  const int lacking = need - free;
  if (lacking <= 0) return 0;  // It waits for something else: any device here may matter.
  int all = 0;
  for (const int count : held) all += count;
  if (all < lacking) return 0;  // Nobody knows who has the others.
  // The fewest devices that gangs which end may give back and that suffice.
  std::vector<bool> sums(static_cast<size_t>(all) + 1);
  sums[0] = true;
  for (const int count : held) {
    for (int sum = all; sum >= count; --sum) {
      if (sums[static_cast<size_t>(sum - count)]) sums[static_cast<size_t>(sum)] = true;
    }
  }
  int enough = lacking;
  while (!sums[static_cast<size_t>(enough)]) ++enough;
  return std::min(enough - lacking, free);
}

Claim::Claim(const v1::JobSpec& head, const ClusterView& idle) {
  std::vector<Constraint> constraints;
  for (const std::string& text : head.constraints()) {
    absl::StatusOr<Constraint> constraint = ParseConstraint(text);
    if (!constraint.ok()) return;
    constraints.push_back(*std::move(constraint));
  }
  const ClusterView there = NodesThatAreThere(idle);
  possible_ = CheckEverFits(head, there).ok();
  const std::vector<Share> shares = DifferentShares(head, static_cast<int>(there.nodes.size()));
  for (const NodeView& node : there.nodes) {
    for (const Share& share : shares) {
      if (FindMisfit(node, constraints, share, FitMode::kEver).has_value()) continue;
      OfNode& claimed = nodes_[node.id];
      for (const auto& [kind, count] : share.devices) claimed.needs[kind].insert(count);
      claimed.ports.insert(share.ports.begin(), share.ports.end());
    }
  }
}

bool Claim::Touches(const v1::Placement& placement) const {
  for (const v1::NodePlacement& node : placement.nodes()) {
    const auto claimed = nodes_.find(node.node_id());
    if (claimed == nodes_.end()) continue;
    for (const v1::DeviceId& device : node.devices()) {
      if (claimed->second.needs.count(device.kind()) > 0) return true;
    }
  }
  return false;
}

void Claim::HoldAll(ClusterView* cluster) const {
  for (NodeView& node : cluster->nodes) {
    const auto claimed = nodes_.find(node.id);
    if (claimed == nodes_.end()) continue;
    for (DeviceView& device : node.devices) {
      if (claimed->second.needs.count(device.kind) > 0) device.in_use = true;
    }
    node.ports_in_use.insert(claimed->second.ports.begin(), claimed->second.ports.end());
  }
}

void Claim::HoldNeeded(const std::vector<const v1::Placement*>& gangs, ClusterView* cluster) const {
  const PartsOnNode parts = PartsOf(gangs);
  for (NodeView& node : cluster->nodes) {
    const auto claimed = nodes_.find(node.id);
    if (claimed == nodes_.end()) continue;
    node.ports_in_use.insert(claimed->second.ports.begin(), claimed->second.ports.end());
    const auto here = parts.find(node.id);
    for (const auto& [kind, needs] : claimed->second.needs) {
      std::vector<DeviceView*> free;
      for (DeviceView& device : node.devices) {
        if (device.kind == kind && device.healthy && !device.in_use) free.push_back(&device);
      }
      const std::vector<int> held =
          here == parts.end() ? std::vector<int>() : HeldBy(here->second, node, kind);
      const int num_free = static_cast<int>(free.size());
      int spare = num_free;
      for (const int need : needs) spare = std::min(spare, SpareDevices(need, num_free, held));
      for (int i = 0; i < num_free - spare; ++i) free[static_cast<size_t>(i)]->in_use = true;
    }
  }
}

}  // namespace muster
