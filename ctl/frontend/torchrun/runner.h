#ifndef MUSTER_CTL_FRONTEND_TORCHRUN_RUNNER_H_
#define MUSTER_CTL_FRONTEND_TORCHRUN_RUNNER_H_

#include "ctl/frontend/frontend.h"

namespace muster {

// Runs one torchrun command line here, to its end, without any daemon. Returns the exit code. Puts
// the parts together; blocks.
int RunTorchrun(const FrontendCall& call);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_TORCHRUN_RUNNER_H_
