#include "common/job/rank_map.h"

#include <algorithm>

#include "common/job/node_list.h"

namespace muster {
namespace {

// A text that cannot be read is for JobCheck to refuse.
NodeList HostsOf(const v1::RoleSpec& role) {
  return NodeList::Parse(role.node_ranks()).value_or(NodeList());
}

// Appends the ranks of one role on one host. `offset` is the global rank of the role's rank 0.
void AppendRanks(const v1::RoleSpec& role, int role_index, int offset, int num_nodes, int node_rank,
                 std::vector<RankPosition>* slots) {
  const int first = FirstRankOnNode(role, num_nodes, node_rank);
  const int count = RoleCountOnNode(role, num_nodes, node_rank);
  for (int i = 0; i < count; ++i) {
    slots->push_back({role_index, first + i, i, offset + first + i, node_rank});
  }
}

}  // namespace

int RoleCount(const v1::RoleSpec& role, int num_nodes) {
  const int hosts = HostsOf(role).CountAmong(num_nodes);
  if (role.count() <= 0) return role.per_node() * hosts;
  return hosts == 0 ? 0 : role.count();
}

int RoleCountOnNode(const v1::RoleSpec& role, int num_nodes, int node_rank) {
  const NodeList hosts = HostsOf(role);
  if (!hosts.Has(node_rank)) return 0;
  if (role.count() <= 0) return role.per_node();
  const int all = hosts.CountAmong(num_nodes);
  return role.count() / all + (hosts.CountAmong(node_rank) < role.count() % all ? 1 : 0);
}

int FirstRankOnNode(const v1::RoleSpec& role, int num_nodes, int node_rank) {
  const NodeList hosts = HostsOf(role);
  const int before = hosts.CountAmong(node_rank);
  if (role.count() <= 0) return role.per_node() * before;
  const int all = std::max(hosts.CountAmong(num_nodes), 1);
  return role.count() / all * before + std::min(before, role.count() % all);
}

int TotalRanks(const v1::JobSpec& spec, int num_nodes) {
  int total = 0;
  for (const v1::RoleSpec& role : spec.roles()) total += RoleCount(role, num_nodes);
  return total;
}

int RanksOnNode(const v1::JobSpec& spec, int num_nodes, int node_rank) {
  int total = 0;
  for (const v1::RoleSpec& role : spec.roles()) {
    total += RoleCountOnNode(role, num_nodes, node_rank);
  }
  return total;
}

std::vector<RankPosition> RanksOfNode(const v1::JobSpec& spec, int num_nodes, int node_rank) {
  std::vector<RankPosition> slots;
  int offset = 0;
  for (int i = 0; i < spec.roles_size(); ++i) {
    AppendRanks(spec.roles(i), i, offset, num_nodes, node_rank, &slots);
    offset += RoleCount(spec.roles(i), num_nodes);
  }
  return slots;
}

std::vector<RankPosition> AllRanks(const v1::JobSpec& spec, int num_nodes) {
  std::vector<RankPosition> slots;
  int offset = 0;
  for (int i = 0; i < spec.roles_size(); ++i) {
    for (int node = 0; node < num_nodes; ++node) {
      AppendRanks(spec.roles(i), i, offset, num_nodes, node, &slots);
    }
    offset += RoleCount(spec.roles(i), num_nodes);
  }
  return slots;
}

std::vector<int> NodesWithoutRanks(const v1::JobSpec& spec, int num_nodes) {
  std::vector<int> nodes;
  for (int node = 0; node < num_nodes; ++node) {
    if (RanksOnNode(spec, num_nodes, node) == 0) nodes.push_back(node);
  }
  return nodes;
}

int FindRole(const v1::JobSpec& spec, const std::string& name) {
  for (int i = 0; i < spec.roles_size(); ++i) {
    if (spec.roles(i).name() == name) return i;
  }
  return -1;
}

}  // namespace muster
