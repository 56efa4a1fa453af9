#ifndef MUSTER_CTL_FRONTEND_PADDLE_PADDLE_H_
#define MUSTER_CTL_FRONTEND_PADDLE_PADDLE_H_

#include "ctl/frontend/frontend.h"

namespace muster {

// `paddle-launch`, for `python -m paddle.distributed.launch` and `fleetrun`.
const Frontend& PaddleFrontend();

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_PADDLE_H_
