#include "ctl/frontend/paddle/parameter_server.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "launch/paddle_env.h"

namespace muster {
namespace {

struct Lists {
  std::vector<std::string> servers;
  std::vector<std::string> trainers;
};

void Append(const std::vector<std::string>& from, std::vector<std::string>* to) {
  to->insert(to->end(), from.begin(), from.end());
}

// One process of each endpoint for which `is_own(role, position)`.
template <typename IsOwn>
PodPlan PlanOwn(const PodSettings& settings, PaddlePsProcess process, const IsOwn& is_own) {
  PodPlan plan;
  process.gloo.with_gloo = settings.flags.with_gloo;
  process.gloo.fs_path = settings.gloo_path;
  for (const PaddlePsRole role : {PaddlePsRole::kServer, PaddlePsRole::kTrainer}) {
    const bool server = role == PaddlePsRole::kServer;
    const std::vector<std::string>& all = server ? process.servers : process.trainers;
    process.role = role;
    int local = 0;
    for (int i = 0; i < static_cast<int>(all.size()); ++i) {
      if (!is_own(role, i)) continue;
      process.index = i;
      process.endpoint = all[i];
      plan.processes.push_back(
          MakePodProcess(settings, PaddlePsEnv(process),
                         absl::StrCat(server ? "serverlog." : "workerlog.", local++),
                         static_cast<int>(plan.processes.size())));
    }
  }
  return plan;
}

}  // namespace

PodPlan PlanParameterServer(const PodSettings& settings, const PaddleNodes& nodes, int num_nodes) {
  PaddlePsProcess process;
  int first_server = 0;
  int first_trainer = 0;
  for (int i = 0; i < static_cast<int>(nodes.nodes.size()); ++i) {
    if (i == nodes.own) {
      first_server = static_cast<int>(process.servers.size());
      first_trainer = static_cast<int>(process.trainers.size());
    }
    Append(nodes.nodes[i].servers, &process.servers);
    Append(nodes.nodes[i].trainers, &process.trainers);
  }
  process.num_nodes = num_nodes;
  process.gloo.http_endpoint =
      absl::StrCat(EndpointHost(process.servers.front()), ":", nodes.nodes.front().gloo_port);
  const PaddleNode& own = nodes.nodes[nodes.own];
  return PlanOwn(settings, process, [&](PaddlePsRole role, int i) {
    const bool server = role == PaddlePsRole::kServer;
    const int first = server ? first_server : first_trainer;
    const size_t count = server ? own.servers.size() : own.trainers.size();
    return i >= first && i < first + static_cast<int>(count);
  });
}

absl::StatusOr<PodPlan> PlanParameterServerByEndpoints(const PodSettings& settings) {
  const PaddleFlags& flags = settings.flags;
  PaddlePsProcess process;
  process.servers = WithPorts(flags.servers, kFirstTrainerPort);
  process.trainers =
      WithPorts(flags.trainers, kFirstTrainerPort + static_cast<int>(flags.servers.size()));
  const bool local = absl::StrContains(absl::StrJoin(flags.servers, ","), "127.0.0.1");
  const std::string host = local ? "127.0.0.1" : settings.node_ip;
  process.gloo.http_endpoint =
      absl::StrCat(EndpointHost(process.servers.front()), ":", flags.gloo_port);
  PodPlan plan = PlanOwn(settings, process, [&](PaddlePsRole role, int i) {
    const bool server = role == PaddlePsRole::kServer;
    return EndpointHost(server ? process.servers[i] : process.trainers[i]) == host;
  });
  if (!plan.processes.empty()) return plan;
  return absl::InvalidArgumentError(absl::StrCat(
      "No container in the pod: this node's address, ", host, ", is neither in --servers=",
      absl::StrJoin(flags.servers, ","), " nor in --trainers=", absl::StrJoin(flags.trainers, ","),
      "; set --host to the one that is"));
}

std::vector<std::string> WithPorts(const std::vector<std::string>& list, int first_port) {
  std::vector<std::string> endpoints = list;
  for (size_t i = 0; i < endpoints.size(); ++i) {
    if (absl::StrContains(endpoints[i], ":")) continue;
    absl::StrAppend(&endpoints[i], ":", first_port + static_cast<int>(i));
  }
  return endpoints;
}

}  // namespace muster
