#ifndef MUSTER_CTL_FRONTEND_PADDLE_LAUNCHER_H_
#define MUSTER_CTL_FRONTEND_PADDLE_LAUNCHER_H_

#include "ctl/frontend/frontend.h"

namespace muster {

// Runs `call` as `python -m paddle.distributed.launch` would, to the job's end on this host, and
// returns the exit code. Blocking; before there are other threads. Needs no agent.
int RunPaddleLaunch(const FrontendCall& call);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_LAUNCHER_H_
