#ifndef MUSTER_SCHEDULER_CORE_RUNNING_GANG_H_
#define MUSTER_SCHEDULER_CORE_RUNNING_GANG_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "muster/v1/placement.pb.h"

namespace muster {

// What the queue knows of a gang that has its place: from the reservation to the end.
struct RunningGang {
  std::string job_id;
  std::string owner;
  int priority = 0;
  int64_t submit_ns = 0;
  int64_t start_ns = 0;
  const v1::Placement* placement = nullptr;  // Must outlive this.
  // It may be stopped for a job of higher priority; and, when it has passed a job that waited, for
  // any that is ahead of it in the queue.
  bool may_be_stopped = false;
  bool has_passed = false;
  // It is being stopped, and will be gone within its grace.
  bool ends_soon = false;
  bool preempted = false;  // That for another job.
  absl::Duration stop_grace;
  // On Clock::Boot(): its time limits see to it that its place is free by then.
  absl::Duration ends_by = absl::InfiniteDuration();
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_RUNNING_GANG_H_
