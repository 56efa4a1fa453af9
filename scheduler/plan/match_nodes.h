#ifndef MUSTER_SCHEDULER_PLAN_MATCH_NODES_H_
#define MUSTER_SCHEDULER_PLAN_MATCH_NODES_H_

#include <functional>
#include <optional>
#include <vector>

#include "scheduler/plan/cluster_view.h"
#include "scheduler/plan/fit.h"

namespace muster {

// A node for each of a gang's hosts, or what is in the way.
struct NodeMatch {
  std::vector<const NodeView*> nodes;  // By host; where one gets none, of the hosts before it.
  std::vector<Misfit> misfits;         // For that host: of each node that is left.
};

using FindMisfitOf = std::function<std::optional<Misfit>(const NodeView&, const Share&)>;

// Finds a node for each share whenever that is possible. A host takes the first of `nodes` that
// fits and is free; only where there is none, hosts before it move to other nodes, as few as
// possible. Those with equal shares get their nodes in this order. Pure. `misfit` says why a node
// cannot take a share.
NodeMatch MatchNodes(const std::vector<const NodeView*>& nodes, const std::vector<Share>& shares,
                     const FindMisfitOf& misfit);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_PLAN_MATCH_NODES_H_
