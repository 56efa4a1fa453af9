#ifndef MUSTER_CTL_FRONTEND_PADDLE_JOB_SPEC_H_
#define MUSTER_CTL_FRONTEND_PADDLE_JOB_SPEC_H_

#include "absl/status/statusor.h"
#include "ctl/frontend/frontend.h"

namespace muster {

// The job on the agents that means the same as a command line of paddle-launch. Addresses, masters
// and ranks of nodes are left to the scheduler: notes say so. INVALID_ARGUMENT: as the launcher
// itself would refuse it.
absl::StatusOr<FrontendJob> PaddleToJob(const FrontendCall& call);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_JOB_SPEC_H_
