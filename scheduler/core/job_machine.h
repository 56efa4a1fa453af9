#ifndef MUSTER_SCHEDULER_CORE_JOB_MACHINE_H_
#define MUSTER_SCHEDULER_CORE_JOB_MACHINE_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "muster/v1/job.pb.h"

namespace muster {

// What can happen to a job.
enum class JobEvent {
  kWait,       // It cannot start at once.
  kPlace,      // The planner has found room; the agents are being asked.
  kRefuse,     // An agent said no, or the scheduler came back: all is released.
  kReserve,    // Every agent holds its part.
  kRun,        // Every rank has started.
  kSilence,    // One of its hosts has not been heard of for too long.
  kHear,       // All its hosts are there again.
  kStop,       // The attempt is being ended, for good or ill.
  kSucceed,    // The attempt has ended, and the success policy is fulfilled.
  kRestart,    // It has ended badly, and another will be made.
  kFail,       // It has ended badly for good; or nothing started in time.
  kCancelled,  // It has ended on request.
};

// Where `event` leads from `from`; nullopt when it means nothing there. Pure.
std::optional<v1::JobState> NextJobState(v1::JobState from, JobEvent event);

absl::string_view JobEventName(JobEvent event);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_JOB_MACHINE_H_
