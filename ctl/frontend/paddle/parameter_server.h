// Pods of parameter-server jobs as today's launcher makes them. Pure.
#ifndef MUSTER_CTL_FRONTEND_PADDLE_PARAMETER_SERVER_H_
#define MUSTER_CTL_FRONTEND_PADDLE_PARAMETER_SERVER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ctl/frontend/paddle/node_info.h"
#include "ctl/frontend/paddle/pod.h"

namespace muster {

// By counts: so many servers and trainers on each node, which have told each other their endpoints.
PodPlan PlanParameterServer(const PodSettings& settings, const PaddleNodes& nodes, int num_nodes);

// By endpoints: every node knows all, and takes those at its own address. INVALID_ARGUMENT: there
// are none.
absl::StatusOr<PodPlan> PlanParameterServerByEndpoints(const PodSettings& settings);

// `list` with a port for each entry that has none: `first_port` + its position.
std::vector<std::string> WithPorts(const std::vector<std::string>& list, int first_port);

// The first port of a trainer that was given without one, counted from the servers on.
inline constexpr int kFirstTrainerPort = 6170;

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_PARAMETER_SERVER_H_
