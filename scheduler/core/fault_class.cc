#include "scheduler/core/fault_class.h"

#include <algorithm>

#include "common/job/exit_result.h"
#include "google/protobuf/repeated_field.h"

namespace muster {
namespace {

bool Lists(const google::protobuf::RepeatedField<int32_t>& codes, const v1::ExitResult& exit) {
  if (!exit.has_code() && !exit.has_signal()) return false;
  return std::find(codes.begin(), codes.end(), ShellExitCode(exit)) != codes.end();
}

}  // namespace

v1::FaultClass ClassifyFault(const v1::RestartSpec& restart, const FaultEvidence& evidence,
                             const v1::FirstCause& cause) {
  switch (evidence.stop_cause) {
    case StopCause::kHostLost:
      return v1::FAULT_CLASS_HOST;
    case StopCause::kStartFailed:
    case StopCause::kStartTimeout:
      return v1::FAULT_CLASS_START;
    case StopCause::kRunTimeout:
      return v1::FAULT_CLASS_TIMEOUT;
    default:
      break;
  }
  if (!evidence.ranks_ran) return v1::FAULT_CLASS_START;
  if (cause.has_exit()) return ClassifyExit(restart, cause.exit(), evidence.device_ill);
  return v1::FAULT_CLASS_HOST;  // Something on a host has stopped ranks that nobody here wanted to.
}

v1::FaultClass ClassifyExit(const v1::RestartSpec& restart, const v1::ExitResult& exit,
                            bool device_ill) {
  switch (exit.how_case()) {
    case v1::ExitResult::kNotStarted:
      return v1::FAULT_CLASS_START;
    case v1::ExitResult::kUnknown:
    case v1::ExitResult::HOW_NOT_SET:
      return v1::FAULT_CLASS_HOST;
    case v1::ExitResult::kCode:
    case v1::ExitResult::kSignal:
      break;
  }
  if (Lists(restart.always_on(), exit)) return v1::FAULT_CLASS_ASKED;
  if (exit.out_of_memory()) return v1::FAULT_CLASS_MEMORY;
  if (device_ill) return v1::FAULT_CLASS_DEVICE;
  return exit.has_signal() ? v1::FAULT_CLASS_KILLED : v1::FAULT_CLASS_PROGRAM;
}

bool ForbidsRestart(const v1::RestartSpec& restart, const v1::ExitResult& exit) {
  return Lists(restart.never_on(), exit);
}

bool IsHostFault(v1::FaultClass fault) {
  return fault == v1::FAULT_CLASS_HOST || fault == v1::FAULT_CLASS_DEVICE;
}

}  // namespace muster
