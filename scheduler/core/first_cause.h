// Why an attempt has failed, and what the job's exit code is then.
#ifndef MUSTER_SCHEDULER_CORE_FIRST_CAUSE_H_
#define MUSTER_SCHEDULER_CORE_FIRST_CAUSE_H_

#include "absl/time/time.h"
#include "muster/v1/job.pb.h"
#include "scheduler/store/state_store.h"

namespace muster {

// Exit codes of jobs that no rank has ended, as the shell's own tools choose them.
inline constexpr int kExitFailed = 1;
inline constexpr int kExitTimeout = 124;    // As timeout(1).
inline constexpr int kExitCancelled = 130;  // As after Ctrl-C, the usual way to cancel a job.

// The verdict on the current attempt, which has failed: the earliest failing exit that Muster did
// not cause, or the reason when no rank is to blame. A timeout comes before whatever the ranks did.
v1::FirstCause FindFirstCause(const JobRecord& record, absl::Time now);

// The first cause's code as ShellExitCode() has it; kExitTimeout after a timeout, else kExitFailed.
// Never 0.
int ExitCodeOf(const JobRecord& record, const v1::FirstCause& cause);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_FIRST_CAUSE_H_
