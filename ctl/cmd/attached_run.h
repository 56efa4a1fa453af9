#ifndef MUSTER_CTL_CMD_ATTACHED_RUN_H_
#define MUSTER_CTL_CMD_ATTACHED_RUN_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ctl/cli/command.h"
#include "muster/v1/job.pb.h"
#include "muster/v1/job_service.pb.h"

namespace muster {

// The request that hands `spec` over, with an id of its own.
v1::SubmitJobRequest NewSubmitRequest(const v1::JobSpec& spec);

// Runs a job in the foreground behind the agent at the session's address. Returns its exit code.
absl::StatusOr<int> RunAttached(const Invocation& invocation, const v1::JobSpec& spec);

// The same in this process, without any daemon.
absl::StatusOr<int> RunLocally(const Invocation& invocation, const v1::JobSpec& spec,
                               const std::string& notice);

// Flags of every verb that can attach.
std::vector<FlagSpec> AttachFlags();

}  // namespace muster

#endif  // MUSTER_CTL_CMD_ATTACHED_RUN_H_
