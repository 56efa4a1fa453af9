#include "launch/paddle_collective.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/job/job_defaults.h"
#include "launch/paddle_env.h"
#include "launch/paddle_plan.h"
#include "launch/position.h"

namespace muster {
namespace {

struct KindName {
  absl::string_view kind;
  absl::string_view flag;  // Of FLAGS_selected_*.
  absl::string_view xccl;  // PADDLE_XCCL_BACKEND of devices that Paddle knows by a plug-in.
};

constexpr KindName kKindNames[] = {
    {"nvidia", "gpus", ""},
    {"xpu", "xpus", ""},
    {"ipu", "ipus", ""},
    {"ascend", "npus", "npu"},
};

// A kind without a name of Paddle's own is a plug-in's: `mlu` becomes FLAGS_selected_mlus.
void NameDevices(const std::string& kind, PaddleTrainer* trainer) {
  for (const KindName& entry : kKindNames) {
    if (entry.kind != kind) continue;
    trainer->device_flag = std::string(entry.flag);
    trainer->xccl_backend = std::string(entry.xccl);
    return;
  }
  trainer->device_flag = absl::StrCat(kind, "s");
  trainer->xccl_backend = kind;
}

}  // namespace

absl::Status PaddleCollectiveContract::Check(const v1::JobSpec& spec) const {
  if (spec.roles_size() > 1) {
    return absl::InvalidArgumentError(
        "roles: contract 'paddle_collective' has one kind of ranks; use ranks_per_node, or the "
        "contract paddle_ps");
  }
  return CheckPaddleSpec(spec, {name()});
}

std::vector<RoleNeeds> PaddleCollectiveContract::Needs(const v1::JobSpec& spec) const {
  return PaddleMasterNeeds(spec);
}

absl::StatusOr<LaunchPlan> PaddleCollectiveContract::Render(const LaunchContext& context) const {
  MUSTER_ASSIGN_OR_RETURN(const Position position, FindPosition(context));
  const std::string& role = context.rank->role();
  PaddleTrainer trainer;
  MUSTER_ASSIGN_OR_RETURN(trainer.endpoints, PaddleEndpoints(*context.placement, role));
  MUSTER_ASSIGN_OR_RETURN(trainer.master, PaddleFirstEndpoint(*context.placement, role));
  trainer.global_rank = position.global_rank;
  trainer.local_rank = position.local_rank;
  trainer.local_size = position.local_world_size;
  trainer.num_nodes = position.num_nodes;
  const v1::DeviceRequest& devices = DevicesOf(*context.spec, context.spec->roles(0));
  if (devices.count() > 0) NameDevices(devices.kind(), &trainer);

  LaunchPlan plan;
  plan.env = PaddleTrainerEnv(trainer);
  if (!trainer.device_flag.empty()) {
    // Which ones depends on what the user's own list leaves of the host's.
    plan.own_devices_variable = absl::StrCat("FLAGS_selected_", trainer.device_flag);
    plan.env.erase(plan.own_devices_variable);
  }
  SetPaddlePod(context, &plan);
  FinishPaddlePlan(context, absl::StrCat("workerlog.", position.local_rank), &plan);
  return plan;
}

}  // namespace muster
