// Pods as the launcher before today's made them, which unknown flags still switch to:
// parameter servers by --workers or --worker_num, heterogeneous stages, and collective jobs.
#ifndef MUSTER_CTL_FRONTEND_PADDLE_LEGACY_H_
#define MUSTER_CTL_FRONTEND_PADDLE_LEGACY_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "ctl/frontend/paddle/pod.h"
#include "ctl/frontend/paddle/port_cursor.h"

namespace muster {

// `env` is the launcher's: FLAGS_START_PORT, POD_IP, PADDLE_WITH_GLOO. INVALID_ARGUMENT: lists and
// counts that do not fit, or this host is in none of the lists.
absl::StatusOr<PodPlan> PlanLegacyPod(const PodSettings& settings,
                                      const std::map<std::string, std::string>& env,
                                      PortCursor* ports);

// One process of the legacy launcher: no POD_NAME, no files beside its log, which is begun anew.
PodProcess MakeLegacyProcess(const PodSettings& settings, std::map<std::string, std::string> env,
                             absl::string_view log_name);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_LEGACY_H_
