#include "scheduler/core/job_machine.h"

#include "common/job/transition.h"

namespace muster {
namespace {

using Step = Transition<v1::JobState, JobEvent>;

// Final states have no way out. SUSPENDED has no way in yet.
constexpr Step kSteps[] = {
    {v1::JOB_STATE_SUBMITTED, JobEvent::kWait, v1::JOB_STATE_QUEUED},
    {v1::JOB_STATE_SUBMITTED, JobEvent::kPlace, v1::JOB_STATE_RESERVING},
    {v1::JOB_STATE_SUBMITTED, JobEvent::kFail, v1::JOB_STATE_FAILED},
    {v1::JOB_STATE_SUBMITTED, JobEvent::kCancelled, v1::JOB_STATE_CANCELLED},

    {v1::JOB_STATE_QUEUED, JobEvent::kWait, v1::JOB_STATE_QUEUED},
    {v1::JOB_STATE_QUEUED, JobEvent::kPlace, v1::JOB_STATE_RESERVING},
    {v1::JOB_STATE_QUEUED, JobEvent::kFail, v1::JOB_STATE_FAILED},
    {v1::JOB_STATE_QUEUED, JobEvent::kCancelled, v1::JOB_STATE_CANCELLED},

    {v1::JOB_STATE_RESERVING, JobEvent::kRefuse, v1::JOB_STATE_QUEUED},
    {v1::JOB_STATE_RESERVING, JobEvent::kReserve, v1::JOB_STATE_STARTING},
    {v1::JOB_STATE_RESERVING, JobEvent::kFail, v1::JOB_STATE_FAILED},
    {v1::JOB_STATE_RESERVING, JobEvent::kCancelled, v1::JOB_STATE_CANCELLED},

    {v1::JOB_STATE_STARTING, JobEvent::kRun, v1::JOB_STATE_RUNNING},
    {v1::JOB_STATE_STARTING, JobEvent::kStop, v1::JOB_STATE_STOPPING},
    {v1::JOB_STATE_STARTING, JobEvent::kSucceed, v1::JOB_STATE_SUCCEEDED},
    {v1::JOB_STATE_STARTING, JobEvent::kRestart, v1::JOB_STATE_QUEUED},
    {v1::JOB_STATE_STARTING, JobEvent::kFail, v1::JOB_STATE_FAILED},

    {v1::JOB_STATE_RUNNING, JobEvent::kSilence, v1::JOB_STATE_UNKNOWN},
    {v1::JOB_STATE_RUNNING, JobEvent::kStop, v1::JOB_STATE_STOPPING},
    {v1::JOB_STATE_RUNNING, JobEvent::kSucceed, v1::JOB_STATE_SUCCEEDED},
    {v1::JOB_STATE_RUNNING, JobEvent::kRestart, v1::JOB_STATE_QUEUED},
    {v1::JOB_STATE_RUNNING, JobEvent::kFail, v1::JOB_STATE_FAILED},

    {v1::JOB_STATE_UNKNOWN, JobEvent::kHear, v1::JOB_STATE_RUNNING},
    {v1::JOB_STATE_UNKNOWN, JobEvent::kStop, v1::JOB_STATE_STOPPING},
    {v1::JOB_STATE_UNKNOWN, JobEvent::kSucceed, v1::JOB_STATE_SUCCEEDED},
    {v1::JOB_STATE_UNKNOWN, JobEvent::kRestart, v1::JOB_STATE_QUEUED},
    {v1::JOB_STATE_UNKNOWN, JobEvent::kFail, v1::JOB_STATE_FAILED},

    {v1::JOB_STATE_STOPPING, JobEvent::kSucceed, v1::JOB_STATE_SUCCEEDED},
    {v1::JOB_STATE_STOPPING, JobEvent::kRestart, v1::JOB_STATE_QUEUED},
    {v1::JOB_STATE_STOPPING, JobEvent::kFail, v1::JOB_STATE_FAILED},
    {v1::JOB_STATE_STOPPING, JobEvent::kCancelled, v1::JOB_STATE_CANCELLED},
};

}  // namespace

std::optional<v1::JobState> NextJobState(v1::JobState from, JobEvent event) {
  return NextState(kSteps, from, event);
}

absl::string_view JobEventName(JobEvent event) {
  switch (event) {
    case JobEvent::kWait:
      return "wait";
    case JobEvent::kPlace:
      return "place";
    case JobEvent::kRefuse:
      return "refuse";
    case JobEvent::kReserve:
      return "reserve";
    case JobEvent::kRun:
      return "run";
    case JobEvent::kSilence:
      return "silence";
    case JobEvent::kHear:
      return "hear";
    case JobEvent::kStop:
      return "stop";
    case JobEvent::kSucceed:
      return "succeed";
    case JobEvent::kRestart:
      return "restart";
    case JobEvent::kFail:
      return "fail";
    case JobEvent::kCancelled:
      return "cancelled";
  }
  return "?";
}

}  // namespace muster
