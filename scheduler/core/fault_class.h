// What kind of fault ended an attempt, or one life of a rank. Decides only.
#ifndef MUSTER_SCHEDULER_CORE_FAULT_CLASS_H_
#define MUSTER_SCHEDULER_CORE_FAULT_CLASS_H_

#include "muster/v1/job.pb.h"
#include "scheduler/store/state_store.h"

namespace muster {

// What is known of a failed attempt besides its first cause.
struct FaultEvidence {
  StopCause stop_cause = StopCause::kNone;
  bool ranks_ran = true;    // Any rank has ever run.
  bool device_ill = false;  // A device of the first rank to fail is unhealthy.
};

// The class of an attempt that failed by `cause`. Never UNSPECIFIED.
v1::FaultClass ClassifyFault(const v1::RestartSpec& restart, const FaultEvidence& evidence,
                             const v1::FirstCause& cause);

// The class of one rank's end, which was no success and not caused by Muster.
v1::FaultClass ClassifyExit(const v1::RestartSpec& restart, const v1::ExitResult& exit,
                            bool device_ill);

// Whether the exit is one of restart.never_on. Exits count as a shell shows them: 137 is SIGKILL.
bool ForbidsRestart(const v1::RestartSpec& restart, const v1::ExitResult& exit);

// Whose budget the class uses: of hosts and devices, or of the job's own faults.
bool IsHostFault(v1::FaultClass fault);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_FAULT_CLASS_H_
