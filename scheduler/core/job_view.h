// What of a job is shown.
#ifndef MUSTER_SCHEDULER_CORE_JOB_VIEW_H_
#define MUSTER_SCHEDULER_CORE_JOB_VIEW_H_

#include <cstddef>
#include <memory>

#include "muster/v1/job.pb.h"

namespace muster {

// Half of what gRPC lets a message have: room for the spec, and for whatever it travels with.
inline constexpr size_t kMaxShownJobBytes = size_t{2} << 20;

// `job`, or where it is larger than `max_bytes` the same with its first attempt and as many of the
// latest as fit, and JobStatus.attempts_left_out. The current attempt is always there, whole; the
// first one loses its placement and ranks when the two do not fit together.
std::shared_ptr<const v1::Job> BoundedView(std::shared_ptr<const v1::Job> job,
                                           size_t max_bytes = kMaxShownJobBytes);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_JOB_VIEW_H_
