// Which nodes a gang prefers, and in which order its node ranks go over them.
#ifndef MUSTER_SCHEDULER_PLAN_NODE_ORDER_H_
#define MUSTER_SCHEDULER_PLAN_NODE_ORDER_H_

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "muster/v1/job.pb.h"
#include "muster/v1/placement.pb.h"
#include "scheduler/plan/cluster_view.h"

namespace muster {

// Labels that say where a node stands. Nodes without them stand together.
inline constexpr char kRackLabel[] = "rack";
inline constexpr char kSwitchLabel[] = "switch";

// What the order depends on.
struct NodeWish {
  v1::PlacementStrategy strategy = v1::PLACEMENT_STRATEGY_PACK;
  int num_nodes = 1;
  std::set<std::string> kinds;              // Of the devices that the gang needs.
  const v1::Placement* previous = nullptr;  // Of the job's last attempt, or null.
  std::function<bool(const NodeView&)> fits;
};

// All nodes of `cluster`, the preferred ones first: those of the previous attempt in their order;
// then, to pack, the smallest switch or rack that suffices, and in it the nodes with the fewest
// free devices; to spread, one node of each rack and switch in turn, the emptiest first. Equal ones
// by name. Nodes that do not fit come last.
std::vector<const NodeView*> OrderByPreference(const NodeWish& wish, const ClusterView& cluster);

// Node ranks for the chosen nodes: a node keeps the one that it had in `previous` (or null), or
// gets the next lower one that keeps those nodes in their order where the gang has become smaller.
// The others follow each other by rack, switch and name, so that neighbours in rank are near.
std::vector<const NodeView*> OrderByPlace(std::vector<const NodeView*> chosen,
                                          const v1::Placement* previous);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_PLAN_NODE_ORDER_H_
