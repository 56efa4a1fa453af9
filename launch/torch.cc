#include "launch/torch.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/job/job_defaults.h"
#include "common/job/job_names.h"
#include "common/job/rank_map.h"
#include "launch/leftovers.h"
#include "launch/position.h"
#include "launch/torch_env.h"
#include "launch/torch_error.h"

namespace muster {
namespace {

// torchrun's --role is `default` unless given; so is a job's that names no roles.
std::string RoleName(const v1::JobSpec& spec, const std::string& role) {
  return spec.roles_size() == 1 && role == kWorkerRole ? "default" : role;
}

// From a complete context to the facts of its rank.
TorchRank Facts(const LaunchContext& context, const Position& position) {
  TorchRank rank;
  rank.rank = position.global_rank;
  rank.world_size = position.world_size;
  rank.local_rank = position.local_rank;
  rank.local_world_size = position.local_world_size;
  rank.group_rank = context.node_rank;
  rank.group_world_size = position.num_nodes;
  rank.role_name = RoleName(*context.spec, context.rank->role());
  rank.role_rank = position.role_rank;
  rank.role_world_size = position.role_world_size;
  rank.master_addr = position.first_node->address();
  rank.master_port = position.first_rank->ports(0);
  rank.restart_count = context.attempt;
  rank.max_restarts = context.spec->restart().max_restarts();
  rank.run_id = context.job_id;
  rank.error_file = TorchErrorFile(context.gang_dir, position.global_rank);
  return rank;
}

// torchrun tells its user when it chooses the number of threads.
bool SetsThreads(const LaunchContext& context) {
  const v1::RoleSpec& role = context.spec->roles(FindRole(*context.spec, context.rank->role()));
  return context.spec->env().count("OMP_NUM_THREADS") > 0 ||
         role.env().count("OMP_NUM_THREADS") > 0;
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
  const TorchRank rank = Facts(context, position);
  plan.env = TorchEnv(rank);
  plan.env_defaults = TorchEnvDefaults(rank);
  if (!plan.env_defaults.empty() && position.local_rank == 0 && !SetsThreads(context)) {
    plan.notes.push_back(absl::StrCat("OMP_NUM_THREADS=1, for this host has ",
                                      position.local_world_size,
                                      " ranks; set it in `env` to use more threads"));
  }
  plan.clear_env = LeftoverVariables();
  plan.logs = {"rank-{rank}.out", "rank-{rank}.err"};
  return plan;
}

}  // namespace muster
