// Pods of trainers: collective jobs, with or without a master, and RPC jobs. Pure.
#ifndef MUSTER_CTL_FRONTEND_PADDLE_COLLECTIVE_H_
#define MUSTER_CTL_FRONTEND_PADDLE_COLLECTIVE_H_

#include "absl/status/statusor.h"
#include "ctl/frontend/paddle/node_info.h"
#include "ctl/frontend/paddle/pod.h"

namespace muster {

// `num_nodes` is what PADDLE_NNODES says. INVALID_ARGUMENT: a device that is not visible, or more
// processes than devices.
absl::StatusOr<PodPlan> PlanCollective(const PodSettings& settings, const PaddleNodes& nodes,
                                       int num_nodes);

// With --ips: every node knows all endpoints, nobody asks anybody.
absl::StatusOr<PodPlan> PlanCollectiveByIps(const PodSettings& settings);

absl::StatusOr<PodPlan> PlanRpc(const PodSettings& settings, const PaddleNodes& nodes);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_COLLECTIVE_H_
