#include "ctl/frontend/paddle/legacy.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "ctl/frontend/paddle/legacy_endpoints.h"
#include "launch/paddle_env.h"

namespace muster {
namespace {

using Env = std::map<std::string, std::string>;

constexpr int kFirstCollectivePort = 6070;

std::string TextOf(const Env& env, const std::string& name, const std::string& otherwise) {
  const auto found = env.find(name);
  return found == env.end() ? otherwise : found->second;
}

// What processes of one host take in turn.
std::vector<std::string> VisibleDevices(const PodSettings& settings) {
  if (!settings.flags.devices.empty()) return settings.flags.devices;
  return settings.devices.labels;
}

// The processes of one role that run here.
class RolePlanner {
 public:
  RolePlanner(const PodSettings& settings, const LegacyEndpoints& all, PodPlan* plan)
      : settings_(settings), all_(all), devices_(VisibleDevices(settings)), plan_(plan) {}

  void Add(PaddlePsProcess process, const std::vector<std::string>& endpoints,
           absl::string_view log_name, bool awaited) {
    int& local = next_[std::string(log_name)];
    for (size_t i = 0; i < endpoints.size(); ++i) {
      if (EndpointHost(endpoints[i]) != all_.own_ip) continue;
      process.index = static_cast<int>(i);
      process.endpoint = endpoints[i];
      if (!devices_.empty()) {
        process.device = devices_[static_cast<size_t>(local) % devices_.size()];
      }
      PodProcess made =
          MakeLegacyProcess(settings_, PaddlePsEnv(process), absl::StrCat(log_name, ".", local++));
      made.awaited = awaited;
      plan_->processes.push_back(std::move(made));
    }
  }

 private:
  const PodSettings& settings_;
  const LegacyEndpoints& all_;
  const std::vector<std::string> devices_;
  PodPlan* const plan_;
  std::map<std::string, int> next_;  // Number of the next log, by its name.
};

absl::StatusOr<PodPlan> PlanLegacyServers(const PodSettings& settings, const Env& env,
                                          PortCursor* ports) {
  MUSTER_ASSIGN_OR_RETURN(const LegacyEndpoints all, FindLegacyEndpoints(settings, env, ports));
  PaddlePsProcess process;
  process.legacy = true;
  process.servers = all.servers;
  process.trainers = all.workers;
  process.heter_stages = all.stages;
  process.gloo = {TextOf(env, "PADDLE_WITH_GLOO", "0"), settings.gloo_path, all.gloo};
  PodPlan plan;
  RolePlanner planner(settings, all, &plan);
  process.role = PaddlePsRole::kServer;
  planner.Add(process, all.servers, "serverlog", /*awaited=*/false);
  process.role = PaddlePsRole::kTrainer;
  process.heter_device = "cpu";
  planner.Add(process, all.workers, "workerlog", /*awaited=*/true);
  process.role = PaddlePsRole::kHeterTrainer;
  for (size_t i = 0; i < all.stages.size(); ++i) {
    process.stage = static_cast<int>(i) + 2;
    process.heter_device = all.stage_devices[i];
    planner.Add(process, all.stages[i], "heterlog", /*awaited=*/false);
  }
  // A host of servers alone serves until it is told to end.
  const bool any = std::any_of(plan.processes.begin(), plan.processes.end(),
                               [](const PodProcess& made) { return made.awaited; });
  for (PodProcess& made : plan.processes) made.awaited = made.awaited || !any;
  return plan;
}

// The devices of each process: all of them dealt out evenly, in order.
absl::StatusOr<std::vector<std::vector<std::string>>> DealDevices(const PodSettings& settings) {
  const std::vector<std::string> devices = VisibleDevices(settings);
  const int given = settings.flags.nproc_per_node;
  const size_t processes =
      given > 0 ? static_cast<size_t>(given) : std::max<size_t>(1, devices.size());
  std::vector<std::vector<std::string>> dealt(processes);
  if (devices.empty()) return dealt;
  if (devices.size() % processes != 0) {
    return absl::InvalidArgumentError(absl::StrCat(devices.size(), " devices cannot be shared by ",
                                                   processes, " processes equally"));
  }
  const size_t each = devices.size() / processes;
  for (size_t i = 0; i < devices.size(); ++i) dealt[i / each].push_back(devices[i]);
  return dealt;
}

absl::StatusOr<std::vector<int>> CollectivePorts(const PodSettings& settings, const Env& env,
                                                 bool local, int count, PortCursor* ports) {
  const std::string start = TextOf(env, "FLAGS_START_PORT", "");
  if (local && start.empty()) return ports->Take(count);
  int first = kFirstCollectivePort;
  if (!start.empty() && !absl::SimpleAtoi(start, &first)) {
    return absl::InvalidArgumentError(
        absl::StrCat("FLAGS_START_PORT=", start, ": expected a port"));
  }
  std::vector<int> fixed;
  for (int i = 0; i < count; ++i) fixed.push_back(first + i);
  return fixed;
}

std::string DistributedBackend(const PodSettings& settings) {
  if (settings.devices.labels.empty()) return "gloo";
  if (!settings.devices.xccl_backend.empty()) return "xccl";
  return settings.devices.type == "xpu" ? "bkcl" : "nccl";
}

absl::StatusOr<PodPlan> PlanLegacyCollective(const PodSettings& settings, const Env& env,
                                             PortCursor* ports) {
  std::vector<std::string> ips = settings.flags.ips;
  if (ips.empty()) ips = {"127.0.0.1"};
  const std::string own_ip = ips.size() == 1 ? ips.front() : settings.node_ip;
  const auto own = std::find(ips.begin(), ips.end(), own_ip);
  if (own == ips.end()) {
    return absl::InvalidArgumentError(absl::StrCat("this host's address, ", own_ip,
                                                   ", is not in --ips=", absl::StrJoin(ips, ",")));
  }
  MUSTER_ASSIGN_OR_RETURN(const auto dealt, DealDevices(settings));
  const int local_size = static_cast<int>(dealt.size());
  MUSTER_ASSIGN_OR_RETURN(const std::vector<int> own_ports,
                          CollectivePorts(settings, env, ips.size() == 1, local_size, ports));
  std::vector<std::string> endpoints;
  std::vector<std::string> world_devices;  // ':' within a process, ',' between them.
  for (const std::string& ip : ips) {
    for (int i = 0; i < local_size; ++i) {
      endpoints.push_back(absl::StrCat(ip, ":", own_ports[i]));
      world_devices.push_back(absl::StrJoin(dealt[i], ":"));
    }
  }
  const int first = static_cast<int>(own - ips.begin()) * local_size;
  PodPlan plan;
  for (int i = 0; i < local_size; ++i) {
    const std::string devices = absl::StrJoin(dealt[i], ",");
    MUSTER_ASSIGN_OR_RETURN(std::vector<std::string> selected,
                            SelectPaddleDevices(settings.devices, dealt[i]));
    if (dealt[i].empty()) selected.clear();
    Env variables = {
        {"PADDLE_TRAINER_ID", absl::StrCat(first + i)},
        {"PADDLE_CURRENT_ENDPOINT", endpoints[first + i]},
        {"PADDLE_TRAINERS_NUM", absl::StrCat(endpoints.size())},
        {"PADDLE_TRAINER_ENDPOINTS", absl::StrJoin(endpoints, ",")},
        {"PADDLE_RANK_IN_NODE", absl::StrCat(i)},
        {"PADDLE_LOCAL_DEVICE_IDS", devices},
        {"PADDLE_WORLD_DEVICE_IDS", absl::StrJoin(world_devices, ",")},
        {"PADDLE_WITH_GLOO", TextOf(env, "PADDLE_WITH_GLOO", "0")},
        {"PADDLE_GLOO_RENDEZVOUS", "3"},
        {"PADDLE_GLOO_FS_PATH", settings.gloo_path},
        {"PADDLE_DISTRI_BACKEND", DistributedBackend(settings)},
    };
    if (!selected.empty()) {
      variables[absl::StrCat("FLAGS_selected_", settings.devices.flag())] =
          absl::StrJoin(selected, ",");
      variables["FLAGS_selected_accelerators"] = absl::StrJoin(selected, ",");
    }
    plan.processes.push_back(
        MakeLegacyProcess(settings, std::move(variables), absl::StrCat("workerlog.", i)));
  }
  plan.processes.front().files.push_back(
      {JoinPath(settings.log_dir, "endpoints.log"),
       absl::StrCat("PADDLE_TRAINER_ENDPOINTS: \n", absl::StrJoin(endpoints, "\n"))});
  return plan;
}

}  // namespace

absl::StatusOr<PodPlan> PlanLegacyPod(const PodSettings& settings, const Env& env,
                                      PortCursor* ports) {
  const PaddleFlags& flags = settings.flags;
  const bool servers = absl::StartsWith(flags.run_mode, "ps") || flags.worker_num.has_value() ||
                       flags.server_num.has_value() || !flags.workers.empty() ||
                       !flags.servers.empty() || !flags.heter_workers.empty() ||
                       !flags.heter_worker_num.empty() || flags.http_port.has_value();
  if (servers && !flags.ips.empty()) {
    return absl::InvalidArgumentError(
        "Only one mode(Collective or Parameter-Server) can be selected at the same time: "
        "--ips is for the one, servers and workers for the other");
  }
  if (servers) return PlanLegacyServers(settings, env, ports);
  return PlanLegacyCollective(settings, env, ports);
}

PodProcess MakeLegacyProcess(const PodSettings& settings, Env env, absl::string_view log_name) {
  PodProcess process;
  ProcessSpec& spec = process.spec;
  spec.name = std::string(log_name);
  spec.argv = PaddleCommand(settings);
  spec.out_path = spec.err_path = JoinPath(settings.log_dir, log_name);
  env.insert(settings.env.begin(), settings.env.end());
  spec.env = std::move(env);
  return process;
}

}  // namespace muster
