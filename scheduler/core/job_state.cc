#include "scheduler/core/job_state.h"

namespace muster {

bool IsFinalState(v1::JobState state) {
  return state == v1::JOB_STATE_SUCCEEDED || state == v1::JOB_STATE_FAILED ||
         state == v1::JOB_STATE_CANCELLED;
}

bool IsWaitingState(v1::JobState state) {
  return state == v1::JOB_STATE_SUBMITTED || state == v1::JOB_STATE_QUEUED;
}

bool HoldsDevices(v1::JobState state) { return !IsFinalState(state) && !IsWaitingState(state); }

std::string JobStateName(v1::JobState state) {
  const std::string name = v1::JobState_Name(state);
  constexpr size_t kPrefix = sizeof("JOB_STATE_") - 1;
  return name.size() > kPrefix ? name.substr(kPrefix) : name;
}

v1::Attempt* CurrentAttempt(v1::Job* job) {
  const int size = job->status().attempts_size();
  return size == 0 ? nullptr : job->mutable_status()->mutable_attempts(size - 1);
}

const v1::Attempt* CurrentAttempt(const v1::Job& job) {
  const int size = job.status().attempts_size();
  return size == 0 ? nullptr : &job.status().attempts(size - 1);
}

bool WillFence(const v1::JobSpec& spec, const v1::NodePlacement& node) {
  return node.keeps_lease() && spec.on_partition() != v1::PARTITION_ACTION_CONTINUE;
}

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp stamp;
  const int64_t nanos = absl::ToUnixNanos(time);
  stamp.set_seconds(nanos / 1000000000);
  stamp.set_nanos(static_cast<int32_t>(nanos % 1000000000));
  return stamp;
}

absl::Time FromTimestamp(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

google::protobuf::Duration ToProtoDuration(absl::Duration duration) {
  google::protobuf::Duration proto;
  proto.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  proto.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
  return proto;
}

absl::Duration FromProtoDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

}  // namespace muster
