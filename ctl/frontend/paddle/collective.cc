#include "ctl/frontend/paddle/collective.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "launch/paddle_env.h"

namespace muster {
namespace {

constexpr int kMaxPort = 65535;

// What FLAGS_selected_<…> says for each process here; all empty: there are no devices.
absl::StatusOr<std::vector<std::string>> DevicesOfProcesses(const PodSettings& settings) {
  const int replicas = PaddleReplicas(settings.flags, settings.devices);
  MUSTER_ASSIGN_OR_RETURN(const std::vector<std::string> chosen,
                          SelectPaddleDevices(settings.devices, settings.flags.devices));
  if (chosen.empty()) return std::vector<std::string>(replicas);
  if (replicas == 1) return std::vector<std::string>{absl::StrJoin(chosen, ",")};
  if (replicas > static_cast<int>(chosen.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("--nproc_per_node=", replicas, ": there are only ", chosen.size(),
                     " devices for them; choose more with --devices, or fewer processes"));
  }
  return std::vector<std::string>(chosen.begin(), chosen.begin() + replicas);
}

// Everything of a trainer but its place.
PaddleTrainer CommonTrainer(const PodSettings& settings) {
  PaddleTrainer trainer;
  trainer.device_flag = settings.devices.flag();
  trainer.xccl_backend = settings.devices.xccl_backend;
  return trainer;
}

absl::StatusOr<PodPlan> PlanTrainers(const PodSettings& settings, PaddleTrainer trainer,
                                     int first_rank) {
  MUSTER_ASSIGN_OR_RETURN(const std::vector<std::string> devices, DevicesOfProcesses(settings));
  PodPlan plan;
  trainer.local_size = static_cast<int>(devices.size());
  for (int i = 0; i < trainer.local_size; ++i) {
    trainer.global_rank = first_rank + i;
    trainer.local_rank = i;
    trainer.devices = devices[i];
    plan.processes.push_back(
        MakePodProcess(settings, PaddleTrainerEnv(trainer), absl::StrCat("workerlog.", i), i));
  }
  return plan;
}

int ProcessesBefore(const PaddleNodes& nodes) {
  int count = 0;
  for (int i = 0; i < nodes.own; ++i) count += nodes.nodes[i].replicas;
  return count;
}

std::vector<std::string> AllEndpoints(const PaddleNodes& nodes) {
  std::vector<std::string> endpoints;
  for (const PaddleNode& node : nodes.nodes) {
    endpoints.insert(endpoints.end(), node.endpoints.begin(), node.endpoints.end());
  }
  return endpoints;
}

}  // namespace

absl::StatusOr<PodPlan> PlanCollective(const PodSettings& settings, const PaddleNodes& nodes,
                                       int num_nodes) {
  PaddleTrainer trainer = CommonTrainer(settings);
  trainer.master = nodes.nodes.front().candidate;
  trainer.endpoints = AllEndpoints(nodes);
  trainer.num_nodes = num_nodes;
  return PlanTrainers(settings, std::move(trainer), ProcessesBefore(nodes));
}

absl::StatusOr<PodPlan> PlanCollectiveByIps(const PodSettings& settings) {
  const std::vector<std::string>& ips = settings.flags.ips;
  const bool local = ips.size() == 1 && ips.front() == "127.0.0.1";
  const auto own = local ? ips.begin() : std::find(ips.begin(), ips.end(), settings.node_ip);
  if (own == ips.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--ips=", absl::StrJoin(ips, ","), ": this node's address, ", settings.node_ip,
                     ", is not among them; set --host to the one that is"));
  }
  const int replicas = PaddleReplicas(settings.flags, settings.devices);
  if (settings.flags.start_port + replicas - 1 > kMaxPort) {
    return absl::InvalidArgumentError(absl::StrCat("--start_port=", settings.flags.start_port,
                                                   ": there are no ", replicas,
                                                   " ports from there to ", kMaxPort));
  }
  PaddleTrainer trainer = CommonTrainer(settings);
  for (const std::string& ip : ips) {
    for (int i = 0; i < replicas; ++i) {
      trainer.endpoints.push_back(absl::StrCat(ip, ":", settings.flags.start_port + i));
    }
  }
  trainer.master = trainer.endpoints.front();
  trainer.num_nodes = static_cast<int>(ips.size());
  return PlanTrainers(settings, std::move(trainer), static_cast<int>(own - ips.begin()) * replicas);
}

absl::StatusOr<PodPlan> PlanRpc(const PodSettings& settings, const PaddleNodes& nodes) {
  PaddleRpcWorker worker;
  const std::vector<std::string> endpoints = AllEndpoints(nodes);
  worker.master = nodes.nodes.front().candidate;
  worker.world_size = static_cast<int>(endpoints.size());
  PodPlan plan;
  const int first = ProcessesBefore(nodes);
  for (int i = 0; i < nodes.nodes[nodes.own].replicas; ++i) {
    worker.rank = first + i;
    worker.worker_endpoint = endpoints[worker.rank];
    plan.processes.push_back(
        MakePodProcess(settings, PaddleRpcEnv(worker), absl::StrCat("workerlog.", worker.rank), i));
  }
  return plan;
}

}  // namespace muster
