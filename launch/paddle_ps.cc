#include "launch/paddle_ps.h"

#include <string>

#include "common/base/status.h"
#include "launch/paddle_plan.h"
#include "launch/paddle_ps_job.h"

namespace muster {
namespace {

bool IsLegacy(const v1::JobSpec& spec) { return spec.mode() == "legacy"; }

}  // namespace

void PaddlePsContract::Complete(v1::JobSpec* spec) const {
  CompletePaddlePs({kPaddleServer, kPaddleTrainer}, spec);
  if (IsLegacy(*spec)) ShowOwnDevicesAlone(spec);
}

absl::Status PaddlePsContract::Check(const v1::JobSpec& spec) const {
  MUSTER_RETURN_IF_ERROR(CheckPaddleSpec(
      spec, {name(), /*legacy_mode=*/true, IsLegacy(spec), {"with_gloo", "gloo_port"}}));
  return CheckPaddlePsRoles(spec, name(), /*heter=*/false);
}

std::vector<RoleNeeds> PaddlePsContract::Needs(const v1::JobSpec& spec) const {
  return PaddlePsNeeds(spec);
}

absl::StatusOr<LaunchPlan> PaddlePsContract::Render(const LaunchContext& context) const {
  const bool legacy = IsLegacy(*context.spec);
  MUSTER_ASSIGN_OR_RETURN(PaddlePsProcess process, PaddlePsProcessOf(context, legacy));
  if (legacy) {
    MUSTER_ASSIGN_OR_RETURN(process.device, PaddleLegacyDevice(context));
  }
  LaunchPlan plan;
  plan.env = PaddlePsEnv(process);
  if (!legacy) SetPaddlePod(context, &plan);
  FinishPaddlePlan(context, PaddlePsLogName(context), &plan);
  return plan;
}

}  // namespace muster
