#include "launch/torch.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/job/job_defaults.h"
#include "common/job/job_names.h"
#include "common/job/rank_map.h"
#include "launch/leftovers.h"
#include "launch/position.h"

namespace muster {
namespace {

// torchrun's --role is `default` unless given; so is a job's that names no roles.
std::string RoleName(const v1::JobSpec& spec, const std::string& role) {
  return spec.roles_size() == 1 && role == kWorkerRole ? "default" : role;
}

// `record` writes a rank's Python exception there. The gang's directory is new with each attempt.
std::string ErrorFile(const LaunchContext& context, int global_rank) {
  return JoinPath(context.gang_dir, absl::StrCat("torch-error-", global_rank, ".json"));
}

void SetElastic(const LaunchContext& context, const Position& position, LaunchPlan* plan) {
  plan->env["TORCHELASTIC_RESTART_COUNT"] = absl::StrCat(context.attempt);
  plan->env["TORCHELASTIC_MAX_RESTARTS"] = absl::StrCat(context.spec->restart().max_restarts());
  plan->env["TORCHELASTIC_RUN_ID"] = context.job_id;
  // Rank 0 itself listens on MASTER_PORT: no launcher holds a store there.
  plan->env["TORCHELASTIC_USE_AGENT_STORE"] = "False";
  plan->env["TORCHELASTIC_ERROR_FILE"] = ErrorFile(context, position.global_rank);
}

}  // namespace

absl::Status TorchContract::Check(const v1::JobSpec& spec) const {
  if (!spec.mode().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("mode: contract 'torch' has no mode '", spec.mode(), "'; leave it out"));
  }
  for (int i = 0; i < spec.roles_size(); ++i) {
    if (DevicesOf(spec, spec.roles(i)).visible() == v1::VISIBLE_DEVICES_RANK) {
      const bool own = spec.roles(i).has_devices_per_rank() && spec.roles_size() > 1;
      return absl::InvalidArgumentError(
          absl::StrCat(own ? absl::StrCat("roles[", i, "].") : "",
                       "devices_per_rank.visible: contract 'torch' finds a rank's device by "
                       "LOCAL_RANK; use host"));
    }
  }
  if (spec.restart().scope() == v1::RESTART_SCOPE_RANK) {
    return absl::InvalidArgumentError(
        "restart.scope: contract 'torch' cannot take a single rank back into a running process "
        "group; use gang");
  }
  return absl::OkStatus();
}

std::vector<RoleNeeds> TorchContract::Needs(const v1::JobSpec& spec) const {
  std::vector<RoleNeeds> needs;
  for (const v1::RoleSpec& role : spec.roles()) {
    needs.push_back({role.name(), 0, needs.empty() ? 1 : 0});
  }
  return needs;
}

absl::StatusOr<LaunchPlan> TorchContract::Render(const LaunchContext& context) const {
  MUSTER_ASSIGN_OR_RETURN(const Position position, FindPosition(context));
  if (position.first_rank->ports().empty()) {
    return absl::InternalError("placement: rank 0 has no port for MASTER_PORT");
  }
  const v1::JobSpec& spec = *context.spec;
  const std::string& role = context.rank->role();
  const auto& command = CommandOf(spec, spec.roles(FindRole(spec, role)));
  LaunchPlan plan;
  plan.argv.assign(command.begin(), command.end());
  plan.env["RANK"] = absl::StrCat(position.global_rank);
  plan.env["WORLD_SIZE"] = absl::StrCat(position.world_size);
  plan.env["LOCAL_RANK"] = absl::StrCat(position.local_rank);
  plan.env["LOCAL_WORLD_SIZE"] = absl::StrCat(position.local_world_size);
  plan.env["GROUP_RANK"] = absl::StrCat(context.node_rank);
  plan.env["GROUP_WORLD_SIZE"] = absl::StrCat(position.num_nodes);
  plan.env["ROLE_NAME"] = RoleName(spec, role);
  plan.env["ROLE_RANK"] = absl::StrCat(position.role_rank);
  plan.env["ROLE_WORLD_SIZE"] = absl::StrCat(position.role_world_size);
  plan.env["MASTER_ADDR"] = position.first_node->address();
  plan.env["MASTER_PORT"] = absl::StrCat(position.first_rank->ports(0));
  SetElastic(context, position, &plan);
  if (position.local_world_size > 1) plan.env_defaults["OMP_NUM_THREADS"] = "1";
  plan.clear_env = LeftoverVariables();
  plan.logs = {"rank-{rank}.out", "rank-{rank}.err"};
  return plan;
}

}  // namespace muster
