#ifndef MUSTER_CTL_CMD_ATTACHED_RUN_H_
#define MUSTER_CTL_CMD_ATTACHED_RUN_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ctl/cli/command.h"
#include "ctl/client/log_selection.h"
#include "muster/v1/job.pb.h"
#include "muster/v1/job_service.pb.h"

namespace muster {

// The request that hands `spec` over, with an id of its own.
v1::SubmitJobRequest NewSubmitRequest(const v1::JobSpec& spec);

// Runs a job in the foreground behind the agent at the session's address, and shows what `shown`
// selects of its output. Returns its exit code.
absl::StatusOr<int> RunAttached(const Invocation& invocation, const v1::JobSpec& spec,
                                const LogSelection& shown = LogSelection());

// The same in this process, without any daemon.
absl::StatusOr<int> RunLocally(const Invocation& invocation, const v1::JobSpec& spec,
                               const std::string& notice,
                               const LogSelection& shown = LogSelection());

// Hands the job over, says its name and how to come back to it, and returns.
absl::StatusOr<int> SubmitOnly(const Invocation& invocation, const v1::JobSpec& spec);

// The caller's, whole.
std::map<std::string, std::string> OwnEnvironment();

// Flags of every verb that can attach.
std::vector<FlagSpec> AttachFlags();

}  // namespace muster

#endif  // MUSTER_CTL_CMD_ATTACHED_RUN_H_
