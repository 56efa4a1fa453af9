#ifndef MUSTER_SCHEDULER_PLAN_GANG_PLANNER_H_
#define MUSTER_SCHEDULER_PLAN_GANG_PLANNER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "muster/v1/job.pb.h"
#include "muster/v1/placement.pb.h"
#include "scheduler/plan/cluster_view.h"
#include "scheduler/plan/fit.h"

namespace muster {

// Where a gang would go. `ports[i]` has one count for each of `placement.nodes(i).ranks`.
struct GangPlan {
  v1::Placement placement;  // Without ports.
  std::vector<std::vector<int>> ports;
};

// Places a gang on as many nodes as fit, at most `spec.nodes.max`, at least `min`: all or nothing.
// Nodes by `spec.placement`, node ranks as in `previous` and by place (node_order.h); on each the
// devices of one NUMA node where that suffices, the lowest numbers first. Pure: equal arguments
// give equal plans. `spec` has its defaults filled in; `previous` is of the last attempt, or null.
//
// RESOURCE_EXHAUSTED: it does not fit now; the message counts the reasons. INVALID_ARGUMENT: no
// such contract, or a constraint that cannot be read.
absl::StatusOr<GangPlan> PlanGang(const v1::JobSpec& spec, const ClusterView& cluster,
                                  const v1::Placement* previous = nullptr);

// OK when the gang would fit were all nodes of `cluster` idle and ready, else RESOURCE_EXHAUSTED
// with counted reasons.
absl::Status CheckEverFits(const v1::JobSpec& spec, const ClusterView& cluster);

// What each host of a gang of `num_nodes` gets, by host; with the ports that the job itself names.
std::vector<Share> SharesOf(const v1::JobSpec& spec, int num_nodes);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_PLAN_GANG_PLANNER_H_
