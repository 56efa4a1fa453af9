// Jobs on IPUs: one poprun starts all processes. Pure.
#ifndef MUSTER_CTL_FRONTEND_PADDLE_IPU_H_
#define MUSTER_CTL_FRONTEND_PADDLE_IPU_H_

#include <string>

#include "absl/status/statusor.h"
#include "ctl/frontend/paddle/node_info.h"
#include "ctl/frontend/paddle/pod.h"
#include "launch/paddle_env.h"

namespace muster {

// Reads the words behind `ipu`. INVALID_ARGUMENT: what argparse would say of them (exit status 2),
// or counts that do not divide (1); `exit_code` says which.
absl::StatusOr<PaddleIpuJob> ReadIpuJob(const PodSettings& settings, const std::string& program,
                                        int* exit_code);

// The pod of this host, which is the only one.
PodPlan PlanIpu(const PodSettings& settings, const PaddleIpuJob& job, const PaddleNode& node);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_IPU_H_
