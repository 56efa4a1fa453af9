// The faults of a job's `restart`.
#ifndef MUSTER_COMMON_JOB_RESTART_CHECK_H_
#define MUSTER_COMMON_JOB_RESTART_CHECK_H_

#include "common/job/fault_list.h"
#include "muster/v1/job.pb.h"

namespace muster {

void CheckRestart(const v1::RestartSpec& restart, FaultList* faults);

}  // namespace muster

#endif  // MUSTER_COMMON_JOB_RESTART_CHECK_H_
