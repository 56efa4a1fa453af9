#ifndef MUSTER_CTL_CMD_RUN_SPEC_H_
#define MUSTER_CTL_CMD_RUN_SPEC_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ctl/cli/flags.h"
#include "ctl/client/address.h"
#include "muster/v1/job.pb.h"

namespace muster {

// The flags of `run` that say what runs.
std::vector<FlagSpec> RunSpecFlags();

// The job that `msctl run FLAGS -- command` means, checked, with all defaults filled in. Paths are
// relative to `current_dir`; `env` is the caller's environment. INVALID_ARGUMENT says what is
// wrong.
absl::StatusOr<v1::JobSpec> RunSpec(const Flags& flags, const std::vector<std::string>& command,
                                    const std::string& current_dir, const EnvLookup& env);

// One plain rank of `command`: what a run without flags means.
v1::JobSpec CommandSpec(const std::vector<std::string>& command, const std::string& current_dir);

// Puts the flags that were given into `spec`, and the variables that go along; what was not given
// stays as it is.
absl::Status ApplyRunFlags(const Flags& flags, const std::string& current_dir, const EnvLookup& env,
                           v1::JobSpec* spec);

// Checks a spec that flags made, and fills all defaults in.
absl::Status FinishRunSpec(v1::JobSpec* spec);

}  // namespace muster

#endif  // MUSTER_CTL_CMD_RUN_SPEC_H_
