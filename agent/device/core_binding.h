// How cores are dealt to the ranks of one host. Pure; Topology says what the host has.
#ifndef MUSTER_AGENT_DEVICE_CORE_BINDING_H_
#define MUSTER_AGENT_DEVICE_CORE_BINDING_H_

#include <map>
#include <vector>

#include "absl/status/statusor.h"

namespace muster {

// One core that the agent may use.
struct Core {
  std::vector<int> pus;  // Its processors, by OS index.
  int numa_node = 0;     // OS index; the nearest one with memory.
};

// The cores of a host in the order of their places, neighbours beside each other.
struct CoreMap {
  std::vector<Core> cores;
  // distance[a][b] between NUMA nodes by OS index, as the firmware says. May be empty.
  std::map<int, std::map<int, int>> distance;
};

// `core`: every rank gets the same number of whole cores, as many as there are for each, of its
// own. Ranks whose device has a NUMA node choose first: cores of that node, then the nearest others
// that are left; the other ranks share the rest, in order. What cannot be shared equally stays
// unused: a gang is as fast as its slowest rank. RESOURCE_EXHAUSTED when there are fewer cores than
// ranks.
absl::StatusOr<std::vector<std::vector<int>>> BindToCores(const CoreMap& map,
                                                          const std::vector<int>& numa_nodes);

// `numa`: every rank gets all cores of the NUMA node nearest to its device, together with the other
// ranks there: the kernel balances them, and memory stays near. Ranks without a device node are
// spread evenly over the nodes, in order.
std::vector<std::vector<int>> BindToNumaNodes(const CoreMap& map,
                                              const std::vector<int>& numa_nodes);

}  // namespace muster

#endif  // MUSTER_AGENT_DEVICE_CORE_BINDING_H_
