#ifndef MUSTER_CTL_FRONTEND_PADDLE_JOB_FILES_H_
#define MUSTER_CTL_FRONTEND_PADDLE_JOB_FILES_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "ctl/frontend/paddle/node_info.h"
#include "ctl/frontend/paddle/pod.h"

namespace muster {

// Adds a generation's nodes to `<job id>.<pod>.log`, which begins with the launcher's environment,
// `env`; for the user alone, since that may hold secrets.
absl::Status NotePaddleNodes(const PodSettings& settings,
                             const std::map<std::string, std::string>& env,
                             const std::vector<PaddleNode>& nodes);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_JOB_FILES_H_
