#include "launch/paddle_heter.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "launch/paddle_plan.h"
#include "launch/paddle_ps_job.h"

namespace muster {
namespace {

constexpr char kCpu[] = "cpu";
constexpr char kGpu[] = "gpu";

absl::Status CheckDevices(const v1::JobSpec& spec) {
  const auto& devices = spec.paddle().heter_devices();
  int stages = 0;
  for (const v1::RoleSpec& role : spec.roles()) stages += IsPaddleHeterRole(role.name()) ? 1 : 0;
  if (!devices.empty() && devices.size() != stages) {
    return absl::InvalidArgumentError(absl::StrCat("paddle.heter_devices: it names ",
                                                   devices.size(), " stages, and the job has ",
                                                   stages, " from stage 2 on; name each of them"));
  }
  for (int i = 0; i < devices.size(); ++i) {
    if (devices[i] == kCpu || devices[i] == kGpu) continue;
    return absl::InvalidArgumentError(absl::StrCat("paddle.heter_devices[", i,
                                                   "]: there is no device type '", devices[i],
                                                   "'; use cpu or gpu"));
  }
  return absl::OkStatus();
}

std::string DeviceType(const v1::JobSpec& spec, const PaddlePsProcess& process) {
  if (process.role != PaddlePsRole::kHeterTrainer) return kCpu;
  const auto& devices = spec.paddle().heter_devices();
  const int stage = process.stage - 2;
  return stage < devices.size() ? devices[stage] : kGpu;
}

}  // namespace

void PaddleHeterContract::Complete(v1::JobSpec* spec) const {
  CompletePaddlePs({kPaddleServer, kPaddleTrainer, kPaddleHeter}, spec);
  ShowOwnDevicesAlone(spec);
}

absl::Status PaddleHeterContract::Check(const v1::JobSpec& spec) const {
  MUSTER_RETURN_IF_ERROR(CheckPaddleSpec(
      spec,
      {name(), false, /*own_devices_only=*/true, {"with_gloo", "gloo_port", "heter_devices"}}));
  MUSTER_RETURN_IF_ERROR(CheckPaddlePsRoles(spec, name(), /*heter=*/true));
  return CheckDevices(spec);
}

std::vector<RoleNeeds> PaddleHeterContract::Needs(const v1::JobSpec& spec) const {
  return PaddlePsNeeds(spec);
}

absl::StatusOr<LaunchPlan> PaddleHeterContract::Render(const LaunchContext& context) const {
  MUSTER_ASSIGN_OR_RETURN(PaddlePsProcess process, PaddlePsProcessOf(context, /*legacy=*/true));
  process.heter_device = DeviceType(*context.spec, process);
  MUSTER_ASSIGN_OR_RETURN(process.device, PaddleLegacyDevice(context));
  LaunchPlan plan;
  plan.env = PaddlePsEnv(process);
  FinishPaddlePlan(context, PaddlePsLogName(context), &plan);
  return plan;
}

}  // namespace muster
