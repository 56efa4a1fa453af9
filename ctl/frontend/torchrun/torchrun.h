#ifndef MUSTER_CTL_FRONTEND_TORCHRUN_TORCHRUN_H_
#define MUSTER_CTL_FRONTEND_TORCHRUN_TORCHRUN_H_

#include "ctl/frontend/frontend.h"

namespace muster {

// torchrun as PyTorch 1.13 has it, with its flags, variables and files, and without Python.
const Frontend& TorchrunFrontend();

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_TORCHRUN_TORCHRUN_H_
