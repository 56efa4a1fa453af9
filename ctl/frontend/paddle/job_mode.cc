#include "ctl/frontend/paddle/job_mode.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "ctl/frontend/paddle/collective.h"
#include "ctl/frontend/paddle/parameter_server.h"

namespace muster {
namespace {

std::vector<std::string> Endpoints(const std::string& ip, const std::vector<int>& ports) {
  std::vector<std::string> endpoints;
  for (const int port : ports) endpoints.push_back(absl::StrCat(ip, ":", port));
  return endpoints;
}

// FLAGS_FIXED_PORT: the first port of rank 0, for hosts that open few.
int FixedPort(const PodSettings& settings) {
  const auto given = settings.env.find("FLAGS_FIXED_PORT");
  int port = 0;
  if (given == settings.env.end() || !absl::SimpleAtoi(given->second, &port)) return 0;
  return port + std::max(settings.flags.rank, 0);
}

absl::Status OfferServers(const PodSettings& settings, PortCursor* ports, PaddleNode* node) {
  const int servers = std::max(settings.flags.server_num.value_or(0), 1);
  const int trainers = std::max(settings.flags.trainer_num.value_or(0), 1);
  MUSTER_ASSIGN_OR_RETURN(const std::vector<int> server_ports, ports->Take(servers));
  MUSTER_ASSIGN_OR_RETURN(const std::vector<int> trainer_ports, ports->Take(trainers));
  MUSTER_ASSIGN_OR_RETURN(const std::vector<int> gloo_port, ports->Take(1));
  node->servers = Endpoints(settings.node_ip, server_ports);
  node->trainers = Endpoints(settings.node_ip, trainer_ports);
  node->gloo_port = gloo_port.front();
  return absl::OkStatus();
}

absl::Status OfferTrainers(const PodSettings& settings, PortCursor* ports, PaddleNode* node) {
  node->replicas = PaddleReplicas(settings.flags, settings.devices);
  MUSTER_ASSIGN_OR_RETURN(const std::vector<int> candidate, ports->Take(1));
  node->candidate = Endpoints(settings.node_ip, candidate).front();
  std::vector<int> own;
  const int fixed = FixedPort(settings);
  if (fixed > 0) {
    for (int i = 0; i < node->replicas; ++i) own.push_back(fixed + i);
  } else {
    MUSTER_ASSIGN_OR_RETURN(own, ports->Take(node->replicas));
  }
  node->endpoints = Endpoints(settings.node_ip, own);
  return absl::OkStatus();
}

}  // namespace

PaddleMode ChoosePaddleMode(const PaddleFlags& flags) {
  if (flags.script == "ipu") return PaddleMode::kIpu;
  if (absl::StartsWith(flags.master, "etcd://")) return PaddleMode::kElastic;
  const bool counts = flags.server_num.value_or(0) > 0 || flags.trainer_num.value_or(0) > 0;
  if (absl::StartsWith(flags.run_mode, "ps") || counts || !flags.servers.empty() ||
      !flags.trainers.empty()) {
    return PaddleMode::kParameterServer;
  }
  return flags.run_mode == "rpc" ? PaddleMode::kRpc : PaddleMode::kCollective;
}

const char* PaddleModeName(PaddleMode mode) {
  switch (mode) {
    case PaddleMode::kParameterServer:
      return "ps";
    case PaddleMode::kRpc:
      return "rpc";
    case PaddleMode::kIpu:
    case PaddleMode::kElastic:
    case PaddleMode::kCollective:
      break;
  }
  return "collective";
}

bool HasAllEndpoints(const PaddleFlags& flags, PaddleMode mode) {
  if (mode == PaddleMode::kParameterServer) {
    return !flags.servers.empty() && !flags.trainers.empty();
  }
  return mode == PaddleMode::kCollective && flags.master.empty() && !flags.ips.empty();
}

absl::StatusOr<PaddleNode> OfferPaddleNode(const PodSettings& settings, PaddleMode mode,
                                           PortCursor* ports) {
  PaddleNode node;
  node.name = settings.pod_name;
  node.rank = settings.flags.rank;
  node.dtype = settings.devices.type;
  MUSTER_RETURN_IF_ERROR(mode == PaddleMode::kParameterServer
                             ? OfferServers(settings, ports, &node)
                             : OfferTrainers(settings, ports, &node));
  return node;
}

absl::StatusOr<PodPlan> PlanPaddlePod(const PodSettings& settings, PaddleMode mode,
                                      const PaddleNodes& nodes, int num_nodes) {
  if (mode == PaddleMode::kParameterServer) return PlanParameterServer(settings, nodes, num_nodes);
  if (mode == PaddleMode::kRpc) return PlanRpc(settings, nodes);
  return PlanCollective(settings, nodes, num_nodes);
}

absl::StatusOr<PodPlan> PlanPaddlePodByEndpoints(const PodSettings& settings, PaddleMode mode) {
  if (mode == PaddleMode::kParameterServer) return PlanParameterServerByEndpoints(settings);
  return PlanCollectiveByIps(settings);
}

}  // namespace muster
