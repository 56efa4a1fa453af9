#include "scheduler/plan/gang_planner.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/job/constraint.h"
#include "common/job/job_defaults.h"
#include "common/job/rank_map.h"
#include "launch/registry.h"
#include "scheduler/plan/fit.h"
#include "scheduler/plan/match_nodes.h"
#include "scheduler/plan/node_order.h"

namespace muster {
namespace {

absl::StatusOr<std::vector<Constraint>> ParseConstraints(const v1::JobSpec& spec) {
  std::vector<Constraint> constraints;
  for (const std::string& text : spec.constraints()) {
    MUSTER_ASSIGN_OR_RETURN(Constraint constraint, ParseConstraint(text));
    constraints.push_back(std::move(constraint));
  }
  return constraints;
}

// Whether a host's share does not depend on how many hosts there are, nor on which it is.
bool SharesStaySame(const v1::JobSpec& spec) {
  return std::all_of(spec.roles().begin(), spec.roles().end(), [](const v1::RoleSpec& role) {
    return role.per_node() > 0 && role.node_ranks().empty();
  });
}

// Nodes for a gang of exactly `num_nodes`, or what is in the way: the preferred ones, and in the
// order of their places as far as their shares allow. `found`: how many hosts have a node.
absl::StatusOr<std::vector<const NodeView*>> ChooseNodes(const v1::JobSpec& spec, int num_nodes,
                                                         const std::vector<Constraint>& constraints,
                                                         const ClusterView& cluster, FitMode mode,
                                                         const v1::Placement* previous,
                                                         int* found_nodes) {
  const std::vector<Share> shares = SharesOf(spec, num_nodes);
  const FindMisfitOf misfit = [&constraints, mode](const NodeView& node, const Share& share) {
    return FindMisfit(node, constraints, share, mode);
  };
  NodeWish wish;
  wish.strategy = spec.placement();
  wish.num_nodes = num_nodes;
  wish.previous = previous;
  for (const Share& share : shares) {
    for (const auto& [kind, count] : share.devices) wish.kinds.insert(kind);
  }
  wish.fits = [&shares, &misfit](const NodeView& node) {
    return std::any_of(shares.begin(), shares.end(),
                       [&](const Share& share) { return !misfit(node, share).has_value(); });
  };
  NodeMatch match = MatchNodes(OrderByPreference(wish, cluster), shares, misfit);
  const int found = static_cast<int>(match.nodes.size());
  *found_nodes = found;
  if (found < num_nodes) {
    return absl::ResourceExhaustedError(CountMisfits(match.misfits, found, num_nodes, mode));
  }
  std::vector<const NodeView*> placed = OrderByPlace(match.nodes, previous);
  for (size_t i = 0; i < placed.size(); ++i) {
    if (misfit(*placed[i], shares[i]).has_value()) return std::move(match.nodes);
  }
  return placed;
}

absl::StatusOr<std::vector<const NodeView*>> ChooseMostNodes(const v1::JobSpec& spec,
                                                             const ClusterView& cluster,
                                                             FitMode mode,
                                                             const v1::Placement* previous) {
  MUSTER_ASSIGN_OR_RETURN(const std::vector<Constraint> constraints, ParseConstraints(spec));
  const int least = std::max(spec.nodes().min(), 1);
  const int there = static_cast<int>(cluster.nodes.size());
  int found = 0;
  int n = std::min(std::max(spec.nodes().max(), least), there);
  while (n > least) {
    auto chosen = ChooseNodes(spec, n, constraints, cluster, mode, previous, &found);
    if (chosen.ok()) return chosen;
    // Hosts of equal shares fit that many times, not once more in any smaller gang.
    n = SharesStaySame(spec) ? std::min(n - 1, found) : n - 1;
  }
  return ChooseNodes(spec, least, constraints, cluster, mode, previous, &found);
}

// Free devices of one kind, `count` of them: of the NUMA node with the fewest that suffice, else of
// as few NUMA nodes as possible. In ascending order.
std::vector<const DeviceView*> ChooseDevices(const NodeView& node, const std::string& kind,
                                             int count) {
  using Devices = std::vector<const DeviceView*>;
  const auto by_number = [](const DeviceView* a, const DeviceView* b) {
    return a->physical < b->physical;
  };
  std::map<int, Devices> by_numa;
  for (const DeviceView& device : node.devices) {
    if (device.kind == kind && device.healthy && !device.in_use) {
      by_numa[device.numa_node].push_back(&device);
    }
  }
  std::vector<Devices> groups;
  const Devices* tightest = nullptr;
  for (auto& [numa, group] : by_numa) {
    std::sort(group.begin(), group.end(), by_number);
    const bool suffices = static_cast<int>(group.size()) >= count;
    if (suffices && (tightest == nullptr || group.size() < tightest->size())) tightest = &group;
    groups.push_back(group);
  }
  Devices chosen;
  if (tightest != nullptr) {
    groups = {*tightest};
  } else {
    std::stable_sort(groups.begin(), groups.end(),
                     [](const auto& a, const auto& b) { return a.size() > b.size(); });
  }
  for (const Devices& group : groups) {
    for (const DeviceView* device : group) {
      if (static_cast<int>(chosen.size()) < count) chosen.push_back(device);
    }
  }
  std::sort(chosen.begin(), chosen.end(), by_number);
  return chosen;
}

v1::NodePlacement PlaceOnNode(const v1::JobSpec& spec, int num_nodes, int node_rank,
                              const NodeView& node) {
  v1::NodePlacement placement;
  placement.set_node_id(node.id);
  placement.set_node_name(node.name);
  placement.set_address(node.address);
  placement.set_agent_address(node.agent_address);
  placement.set_keeps_lease(node.keeps_lease);
  std::map<std::string, int> next;  // By kind: index in placement.devices of the next free one.
  for (const auto& [kind, count] : ShareOfNode(spec, num_nodes, node_rank).devices) {
    next[kind] = placement.devices_size();
    for (const DeviceView* const chosen : ChooseDevices(node, kind, count)) {
      v1::DeviceId* const device = placement.add_devices();
      device->set_kind(kind);
      device->set_physical(chosen->physical);
      device->set_address(chosen->address);
      device->set_super_device_id(chosen->super_device_id);
    }
  }
  for (const RankPosition& slot : RanksOfNode(spec, num_nodes, node_rank)) {
    const v1::RoleSpec& role = spec.roles(slot.role);
    v1::RankPlacement* const rank = placement.add_ranks();
    rank->set_role(role.name());
    rank->set_rank(slot.rank);
    rank->set_local_rank(slot.local_rank);
    const v1::DeviceRequest& devices = DevicesOf(spec, role);
    for (int i = 0; i < devices.count(); ++i) rank->add_devices(next[devices.kind()]++);
  }
  return placement;
}

// Counts the free ports that each rank needs, and notes those that it names.
std::vector<int> AskForPorts(const std::vector<RoleNeeds>& needs, v1::NodePlacement* placement) {
  std::vector<int> ports;
  for (v1::RankPlacement& rank : *placement->mutable_ranks()) {
    const RoleNeeds of_role = NeedsOfRole(needs, rank.role());
    ports.push_back(PortsOfRank(of_role, rank.rank()));
    AddFixedPorts(of_role, &rank);
  }
  return ports;
}

}  // namespace

absl::StatusOr<GangPlan> PlanGang(const v1::JobSpec& spec, const ClusterView& cluster,
                                  const v1::Placement* previous) {
  MUSTER_ASSIGN_OR_RETURN(const LaunchContract* const contract, FindContract(spec.contract()));
  const std::vector<RoleNeeds> needs = contract->Needs(spec);
  MUSTER_ASSIGN_OR_RETURN(const std::vector<const NodeView*> nodes,
                          ChooseMostNodes(spec, cluster, FitMode::kNow, previous));
  const int num_nodes = static_cast<int>(nodes.size());
  GangPlan plan;
  for (int i = 0; i < num_nodes; ++i) {
    *plan.placement.add_nodes() = PlaceOnNode(spec, num_nodes, i, *nodes[static_cast<size_t>(i)]);
    plan.ports.push_back(AskForPorts(needs, plan.placement.mutable_nodes(i)));
  }
  return plan;
}

absl::Status CheckEverFits(const v1::JobSpec& spec, const ClusterView& cluster) {
  return ChooseMostNodes(spec, cluster, FitMode::kEver, nullptr).status();
}

std::vector<Share> SharesOf(const v1::JobSpec& spec, int num_nodes) {
  std::vector<Share> shares;
  for (int i = 0; i < num_nodes; ++i) shares.push_back(ShareOfNode(spec, num_nodes, i));
  const absl::StatusOr<const LaunchContract*> contract = FindContract(spec.contract());
  if (!contract.ok()) return shares;
  for (const RoleNeeds& needs : (*contract)->Needs(spec)) {
    const int role = FindRole(spec, needs.role);
    if (needs.fixed_port_of_first_rank == 0 || role < 0) continue;
    for (int i = 0; i < num_nodes; ++i) {
      if (RoleCountOnNode(spec.roles(role), num_nodes, i) == 0) continue;
      shares[static_cast<size_t>(i)].ports.insert(
          static_cast<uint32_t>(needs.fixed_port_of_first_rank));
      break;  // The first rank is on the role's first host.
    }
  }
  return shares;
}

}  // namespace muster
