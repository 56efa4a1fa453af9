#include "launch/plain.h"

#include "absl/strings/str_cat.h"
#include "common/job/job_defaults.h"
#include "common/job/rank_map.h"
#include "launch/leftovers.h"

namespace muster {

absl::Status PlainContract::Check(const v1::JobSpec& spec) const {
  if (spec.mode().empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("mode: contract 'plain' has no mode '", spec.mode(), "'; leave it out"));
}

std::vector<RoleNeeds> PlainContract::Needs(const v1::JobSpec& spec) const {
  std::vector<RoleNeeds> needs;
  for (const v1::RoleSpec& role : spec.roles()) needs.push_back({role.name(), 0, 0});
  return needs;
}

absl::StatusOr<LaunchPlan> PlainContract::Render(const LaunchContext& context) const {
  const v1::RoleSpec& role = context.spec->roles(FindRole(*context.spec, context.rank->role()));
  const auto& command = CommandOf(*context.spec, role);
  LaunchPlan plan;
  plan.argv.assign(command.begin(), command.end());
  plan.clear_env = LeftoverVariables();
  plan.logs = {"rank-{rank}.out", "rank-{rank}.err"};
  return plan;
}

}  // namespace muster
