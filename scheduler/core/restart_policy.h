#ifndef MUSTER_SCHEDULER_CORE_RESTART_POLICY_H_
#define MUSTER_SCHEDULER_CORE_RESTART_POLICY_H_

#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "muster/v1/job.pb.h"

namespace muster {

// Decides whether a failed gang (or rank) starts again, and after what delay. Decides only.
// Failures are counted in a sliding window; the delay doubles with each of them. Pure.
//
// `failures` are the times of all failures so far, the present one included; `now` is the present
// one's. Returns nullopt when the budget is used up.
std::optional<absl::Duration> RestartDelay(const v1::RestartSpec& spec,
                                           const std::vector<absl::Time>& failures, absl::Time now);

// Whether another try could help at all. A rank that could not be started (a missing program,
// script or workdir) cannot be helped: the user must change something first.
bool MayHelp(const v1::FirstCause& cause);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_RESTART_POLICY_H_
