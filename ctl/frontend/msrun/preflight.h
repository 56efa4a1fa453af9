#ifndef MUSTER_CTL_FRONTEND_MSRUN_PREFLIGHT_H_
#define MUSTER_CTL_FRONTEND_MSRUN_PREFLIGHT_H_

#include "absl/status/status.h"
#include "ctl/frontend/msrun/flags.h"
#include "ctl/frontend/msrun/plan.h"

namespace muster {

// Makes the log directory, and finds out whether everything that `plan` needs of the disk is there:
// program, script, rank table, places for the log files. The error has Python's words for it; exit
// status 1. After it nothing is expected to fail half-way.
absl::Status PrepareMsrun(const MsrunFlags& flags, const MsrunPlan& plan);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_MSRUN_PREFLIGHT_H_
