// What the contracts of jobs with parameter servers have in common.
#ifndef MUSTER_LAUNCH_PADDLE_PS_JOB_H_
#define MUSTER_LAUNCH_PADDLE_PS_JOB_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "launch/contract.h"
#include "launch/paddle_ps_env.h"

namespace muster {

inline constexpr char kPaddleServer[] = "server";
inline constexpr char kPaddleTrainer[] = "trainer";
inline constexpr char kPaddleHeter[] = "heter";  // Names of these roles begin so.

bool IsPaddleHeterRole(absl::string_view role);

// A job without roles is one of trainers. Adds the roles in `wanted` that are missing, one rank on
// each host and no devices, as the original does; and makes the trainers' success the job's.
void CompletePaddlePs(const std::vector<std::string>& wanted, v1::JobSpec* spec);

// The legacy launcher shows a process its own device alone.
void ShowOwnDevicesAlone(v1::JobSpec* spec);

// INVALID_ARGUMENT: a role that is missing, or that such a job does not have.
absl::Status CheckPaddlePsRoles(const v1::JobSpec& spec, absl::string_view contract, bool heter);

// A port for each rank, and one for gloo on the first server's host unless the user named it.
std::vector<RoleNeeds> PaddlePsNeeds(const v1::JobSpec& spec);

// The facts of the context's rank, all but devices.
absl::StatusOr<PaddlePsProcess> PaddlePsProcessOf(const LaunchContext& context, bool legacy);

// The rank's only visible device by the legacy launcher's rule: its own, else one of its host's in
// turn, else "0".
absl::StatusOr<std::string> PaddleLegacyDevice(const LaunchContext& context);

// `serverlog.0`, `workerlog.0`, `heterlog.0`: counted on each host.
std::string PaddlePsLogName(const LaunchContext& context);

}  // namespace muster

#endif  // MUSTER_LAUNCH_PADDLE_PS_JOB_H_
