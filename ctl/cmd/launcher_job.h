#ifndef MUSTER_CTL_CMD_LAUNCHER_JOB_H_
#define MUSTER_CTL_CMD_LAUNCHER_JOB_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ctl/cli/flags.h"
#include "ctl/frontend/frontend.h"

namespace muster {

// The job that `msctl run FLAGS -- LAUNCHER …` means, where the command calls a launcher that
// Muster knows; nullopt where it does not. The launcher's words and run's own flags together: a
// flag that was given counts, but not against the words (INVALID_ARGUMENT). The spec is not
// completed yet.
absl::StatusOr<std::optional<FrontendJob>> LauncherJob(
    const Flags& flags, const std::vector<std::string>& command, const std::string& current_dir,
    const std::map<std::string, std::string>& env);

}  // namespace muster

#endif  // MUSTER_CTL_CMD_LAUNCHER_JOB_H_
