#ifndef MUSTER_SCHEDULER_CORE_QUOTA_FILE_H_
#define MUSTER_SCHEDULER_CORE_QUOTA_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "scheduler/core/quota.h"

namespace muster {

// Reads what the operator has written of quotas, one user a line, `*` for everybody:
//
//   *              queued=200 running=20 devices.nvidia=16
//   alice          devices.nvidia=64       # The others of `*` hold for her, too.
//   "Bob of Ops"   devices.nvidia=unlimited
//
// A '#' at the beginning of a word, not within quotes, begins a comment. What may be limited:
// queued, running, hosts, ranks, devices.KIND; a KIND that is nearly a known one is refused.
// INVALID_ARGUMENT names `path` and the line. Pure.
absl::StatusOr<Quota> ParseQuota(const std::string& path, const std::string& text);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_QUOTA_FILE_H_
