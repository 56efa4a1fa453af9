#include "launch/paddle_ipu.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/job/job_defaults.h"
#include "launch/paddle_env.h"
#include "launch/paddle_plan.h"
#include "launch/position.h"

namespace muster {
namespace {

std::string LogLevel(const v1::JobSpec& spec) {
  for (const auto* env : {&spec.roles(0).env(), &spec.env()}) {
    const auto level = env->find("POPART_LOG_LEVEL");
    if (level != env->end()) return level->second;
  }
  return "";
}

PaddleIpuJob JobOf(const v1::JobSpec& spec, const std::string& own_host) {
  const v1::PaddleOptions& options = spec.paddle();
  const auto& command = CommandOf(spec, spec.roles(0));
  PaddleIpuJob job;
  job.devices = options.ipu_devices();
  job.hosts.assign(options.ipu_hosts().begin(), options.ipu_hosts().end());
  if (job.hosts.empty()) job.hosts = {own_host};
  job.nproc_per_host = options.ipu_nproc_per_host();
  job.ipus_per_replica = options.ipus_per_replica();
  job.partition = options.ipu_partition();
  job.vipu_server = options.vipu_server();
  job.log_level = LogLevel(spec);
  job.command.assign(command.begin(), command.end());
  return job;
}

absl::Status CheckShape(const v1::JobSpec& spec) {
  if (spec.nodes().max() > 1 || spec.roles_size() > 1 || spec.roles(0).count() > 1 ||
      spec.roles(0).per_node() > 1) {
    return absl::InvalidArgumentError(
        "nodes: contract 'paddle_ipu' starts one poprun, which reaches its hosts itself; leave out "
        "nodes, roles and ranks_per_node, and name the hosts in paddle.ipu_hosts");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status PaddleIpuContract::Check(const v1::JobSpec& spec) const {
  MUSTER_RETURN_IF_ERROR(
      CheckPaddleSpec(spec, {name(),
                             false,
                             false,
                             {"ipu_devices", "ipu_hosts", "ipu_nproc_per_host", "ipus_per_replica",
                              "ipu_partition", "vipu_server"}}));
  MUSTER_RETURN_IF_ERROR(CheckShape(spec));
  const PaddleIpuJob job = JobOf(spec, "here");
  if (job.partition.empty() || job.vipu_server.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("paddle.", job.partition.empty() ? "ipu_partition" : "vipu_server",
                     ": contract 'paddle_ipu' needs it for poprun; set it"));
  }
  const std::string fault = PaddleIpuFault(job);
  if (fault.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "paddle: ", fault, "; see ipu_devices, ipu_hosts, ipu_nproc_per_host and ipus_per_replica"));
}

std::vector<RoleNeeds> PaddleIpuContract::Needs(const v1::JobSpec& spec) const {
  return PaddleMasterNeeds(spec);
}

absl::StatusOr<LaunchPlan> PaddleIpuContract::Render(const LaunchContext& context) const {
  MUSTER_ASSIGN_OR_RETURN(const Position position, FindPosition(context));
  const std::string& role = context.rank->role();
  PaddleTrainer trainer;  // Of poprun itself; those of its processes are in its arguments.
  MUSTER_ASSIGN_OR_RETURN(trainer.endpoints, PaddleEndpoints(*context.placement, role));
  MUSTER_ASSIGN_OR_RETURN(trainer.master, PaddleFirstEndpoint(*context.placement, role));
  trainer.local_size = 1;
  trainer.num_nodes = 1;
  trainer.device_flag = "ipus";
  trainer.devices = absl::StrCat(context.spec->paddle().ipu_devices());
  LaunchPlan plan;
  plan.env = PaddleTrainerEnv(trainer);
  // Without the shell that the original puts in between: words of the command stay whole, and a
  // signal reaches poprun.
  plan.argv = PaddlePoprunArgv(JobOf(*context.spec, position.first_node->address()));
  SetPaddlePod(context, &plan);
  FinishPaddlePlan(context, "workerlog.0", &plan);
  return plan;
}

}  // namespace muster
