#ifndef MUSTER_CTL_FRONTEND_MSRUN_MSRUN_H_
#define MUSTER_CTL_FRONTEND_MSRUN_MSRUN_H_

#include "ctl/frontend/frontend.h"

namespace muster {

// `msrun` of MindSpore 2.7: starts the scheduler process and this host's workers, without a daemon.
const Frontend& MsrunFrontend();

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_MSRUN_MSRUN_H_
