#ifndef MUSTER_AGENT_TASK_GANG_PLAN_H_
#define MUSTER_AGENT_TASK_GANG_PLAN_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/device/topology.h"
#include "agent/shim/shim_plan.h"
#include "launch/contract.h"
#include "muster/v1/agent_service.pb.h"
#include "muster/v1/node.pb.h"

namespace muster {

// What a host knows that a request does not say.
struct GangPlanHost {
  std::string gang_dir;
  std::map<std::string, std::string> base_env;
  bool durable = true;
  // The node's lease now; zero: the gang is not fenced.
  absl::Duration fence_until;
  absl::Duration fence_grace;
  std::vector<v1::Device> devices;     // For their NUMA nodes.
  const Topology* topology = nullptr;  // Must outlive the call.
};

// All that has to be in place for one gang on one host.
struct HostGangPlan {
  std::string workdir;                // The job's; must be there.
  ShimPlan shim;                      // Without cgroups: those are named when they are made.
  std::vector<LaunchFile> files;      // With absolute paths.
  std::vector<LaunchInput> inputs;    // What the ranks need of the user's, each path once.
  std::vector<std::string> log_dirs;  // The user's, to be made.
};

// Renders every local rank. INVALID_ARGUMENT: the spec cannot be rendered. RESOURCE_EXHAUSTED: this
// host has too few cores for the binding asked for. `request` was checked by CheckStart().
absl::StatusOr<HostGangPlan> BuildGangPlan(const v1::StartGangRequest& request,
                                           const GangPlanHost& host);

// Looks at `inputs`; then makes log and work directories, contract files and gang_dir/plan. Blocks.
// The message names what failed.
absl::Status WriteGangPlan(const HostGangPlan& plan);

}  // namespace muster

#endif  // MUSTER_AGENT_TASK_GANG_PLAN_H_
