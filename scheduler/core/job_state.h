// What the states of a job mean to the scheduler.
#ifndef MUSTER_SCHEDULER_CORE_JOB_STATE_H_
#define MUSTER_SCHEDULER_CORE_JOB_STATE_H_

#include <string>

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "muster/v1/job.pb.h"

namespace muster {

// SUCCEEDED, FAILED, CANCELLED: nothing happens to the job any more.
bool IsFinalState(v1::JobState state);
// SUBMITTED, QUEUED: it has no attempt under way.
bool IsWaitingState(v1::JobState state);
// RESERVING to STOPPING: its current attempt holds devices.
bool HoldsDevices(v1::JobState state);
// "RUNNING".
std::string JobStateName(v1::JobState state);

// The current attempt, or nullptr when there is none yet.
v1::Attempt* CurrentAttempt(v1::Job* job);
const v1::Attempt* CurrentAttempt(const v1::Job& job);

// Whether that host stops the job's ranks itself when its lease has run out.
bool WillFence(const v1::JobSpec& spec, const v1::NodePlacement& node);

google::protobuf::Timestamp ToTimestamp(absl::Time time);
absl::Time FromTimestamp(const google::protobuf::Timestamp& time);
google::protobuf::Duration ToProtoDuration(absl::Duration duration);
absl::Duration FromProtoDuration(const google::protobuf::Duration& duration);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_JOB_STATE_H_
