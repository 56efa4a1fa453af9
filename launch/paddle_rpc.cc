#include "launch/paddle_rpc.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "launch/paddle_env.h"
#include "launch/paddle_plan.h"
#include "launch/position.h"

namespace muster {

absl::Status PaddleRpcContract::Check(const v1::JobSpec& spec) const {
  if (spec.roles_size() > 1) {
    return absl::InvalidArgumentError(
        "roles: contract 'paddle_rpc' has one kind of ranks; use ranks_per_node");
  }
  return CheckPaddleSpec(spec, {name()});
}

std::vector<RoleNeeds> PaddleRpcContract::Needs(const v1::JobSpec& spec) const {
  return PaddleMasterNeeds(spec);
}

absl::StatusOr<LaunchPlan> PaddleRpcContract::Render(const LaunchContext& context) const {
  MUSTER_ASSIGN_OR_RETURN(const Position position, FindPosition(context));
  const std::string& role = context.rank->role();
  MUSTER_ASSIGN_OR_RETURN(const std::vector<std::string> endpoints,
                          PaddleEndpoints(*context.placement, role));
  PaddleRpcWorker worker;
  MUSTER_ASSIGN_OR_RETURN(worker.master, PaddleFirstEndpoint(*context.placement, role));
  worker.worker_endpoint = endpoints.at(position.global_rank);
  worker.rank = position.global_rank;
  worker.world_size = position.world_size;
  LaunchPlan plan;
  plan.env = PaddleRpcEnv(worker);
  SetPaddlePod(context, &plan);
  // By the global rank, unlike every other mode.
  FinishPaddlePlan(context, absl::StrCat("workerlog.", position.global_rank), &plan);
  return plan;
}

}  // namespace muster
