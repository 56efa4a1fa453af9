// Which kind of job a command line asks for, what this node offers to it, and its pod once the
// nodes are known.
#ifndef MUSTER_CTL_FRONTEND_PADDLE_JOB_MODE_H_
#define MUSTER_CTL_FRONTEND_PADDLE_JOB_MODE_H_

#include "absl/status/statusor.h"
#include "ctl/frontend/paddle/flags.h"
#include "ctl/frontend/paddle/node_info.h"
#include "ctl/frontend/paddle/pod.h"
#include "ctl/frontend/paddle/port_cursor.h"

namespace muster {

enum class PaddleMode { kIpu, kElastic, kParameterServer, kRpc, kCollective };

// In the original's order: the script `ipu`, an etcd master, anything of a parameter server, RPC.
PaddleMode ChoosePaddleMode(const PaddleFlags& flags);
// As the console calls it: "collective", "ps", "rpc", "ipu".
const char* PaddleModeName(PaddleMode mode);

// Whether all endpoints are given, so that nodes need not meet.
bool HasAllEndpoints(const PaddleFlags& flags, PaddleMode mode);

// This node's processes, with free ports of `ports`.
absl::StatusOr<PaddleNode> OfferPaddleNode(const PodSettings& settings, PaddleMode mode,
                                           PortCursor* ports);

// The pod of a job whose nodes have met; `num_nodes` is PADDLE_NNODES.
absl::StatusOr<PodPlan> PlanPaddlePod(const PodSettings& settings, PaddleMode mode,
                                      const PaddleNodes& nodes, int num_nodes);

// The pod of a job whose endpoints are all given.
absl::StatusOr<PodPlan> PlanPaddlePodByEndpoints(const PodSettings& settings, PaddleMode mode);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_JOB_MODE_H_
