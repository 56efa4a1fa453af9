#ifndef MUSTER_CTL_FRONTEND_TORCHRUN_CLUSTER_JOB_H_
#define MUSTER_CTL_FRONTEND_TORCHRUN_CLUSTER_JOB_H_

#include "absl/status/statusor.h"
#include "ctl/frontend/frontend.h"

namespace muster {

// The job on the agents that one torchrun command line means: contract `torch`, with the same
// number of nodes, workers, restarts, and the same choice of what is shown. One such job starts all
// nodes, where torchrun is called on each. INVALID_ARGUMENT: what torchrun would refuse too, or
// what belongs to one node alone.
absl::StatusOr<FrontendJob> TorchrunJob(const FrontendCall& call);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_TORCHRUN_CLUSTER_JOB_H_
