#ifndef MUSTER_CTL_FRONTEND_PADDLE_LEGACY_ENDPOINTS_H_
#define MUSTER_CTL_FRONTEND_PADDLE_LEGACY_ENDPOINTS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ctl/frontend/paddle/pod.h"
#include "ctl/frontend/paddle/port_cursor.h"

namespace muster {

// Who takes part in a legacy parameter-server job, over all hosts.
struct LegacyEndpoints {
  std::vector<std::string> servers;
  std::vector<std::string> workers;
  std::vector<std::vector<std::string>> stages;  // Of heterogeneous trainers, from stage 2 on.
  std::vector<std::string> stage_devices;        // "gpu" or "cpu"; as many as `stages`.
  std::string gloo;                              // "ip:port".
  std::string own_ip;                            // Of this host, as the lists name it.
};

// From lists, or from counts with ports of this host: free ones, or FLAGS_START_PORT and on.
absl::StatusOr<LegacyEndpoints> FindLegacyEndpoints(const PodSettings& settings,
                                                    const std::map<std::string, std::string>& env,
                                                    PortCursor* ports);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_LEGACY_ENDPOINTS_H_
