// What the contracts `paddle_*` have in common.
#ifndef MUSTER_LAUNCH_PADDLE_PLAN_H_
#define MUSTER_LAUNCH_PADDLE_PLAN_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "launch/contract.h"

namespace muster {

// What a contract takes from JobSpec.mode and JobSpec.paddle.
struct PaddleTakes {
  absl::string_view contract;
  bool legacy_mode = false;           // `mode: legacy`.
  bool own_devices_only = false;      // A rank sees its own devices alone; else all of its host.
  std::vector<std::string> settings;  // Fields of PaddleOptions.
};

// INVALID_ARGUMENT: a mode, a setting, a visible list or a restart that the contract does not take.
absl::Status CheckPaddleSpec(const v1::JobSpec& spec, const PaddleTakes& takes);

// A port for each rank, and on top one on the first rank's host, of the first role.
std::vector<RoleNeeds> PaddleMasterNeeds(const v1::JobSpec& spec);

// "address:port" of the ranks of a role, in rank order, each by the last of its ports. INTERNAL:
// the placement has no port for one of them.
absl::StatusOr<std::vector<std::string>> PaddleEndpoints(const v1::Placement& placement,
                                                         const std::string& role);

// "address:port" of rank 0 of a role, by the first of its ports: the one that it has on top.
absl::StatusOr<std::string> PaddleFirstEndpoint(const v1::Placement& placement,
                                                const std::string& role);

// Six lower-case letters, the same for all processes of a host's share of a job.
std::string PaddlePodName(const std::string& job_id, int node_rank);

// Adds to a plan whose `env` has the mode's own variables all that Paddle's launcher gives to every
// process: command, log file, leftovers, and the file of backed up variables.
void FinishPaddlePlan(const LaunchContext& context, const std::string& log_name, LaunchPlan* plan);

// POD_NAME and PADDLE_LOG_DIR, which the legacy launcher does not know.
void SetPaddlePod(const LaunchContext& context, LaunchPlan* plan);

}  // namespace muster

#endif  // MUSTER_LAUNCH_PADDLE_PLAN_H_
