#include "ctl/frontend/paddle/legacy_endpoints.h"

#include <algorithm>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "ctl/frontend/paddle/parameter_server.h"

namespace muster {
namespace {

using List = std::vector<std::string>;

constexpr char kLocal[] = "127.0.0.1";

// Ports for roles in turn: servers, workers, heterogeneous trainers, gloo.
class Ports {
 public:
  Ports(const std::map<std::string, std::string>& env, PortCursor* free) : free_(free) {
    const auto start = env.find("FLAGS_START_PORT");
    if (start != env.end() && !absl::SimpleAtoi(start->second, &next_)) next_ = 0;
  }

  absl::StatusOr<List> Take(int count) {
    std::vector<int> ports;
    if (next_ > 0) {
      for (int i = 0; i < count; ++i) ports.push_back(next_++);
    } else {
      MUSTER_ASSIGN_OR_RETURN(ports, free_->Take(count));
    }
    List endpoints;
    for (const int port : ports) endpoints.push_back(absl::StrCat(kLocal, ":", port));
    return endpoints;
  }

 private:
  int next_ = 0;  // 0: free ones.
  PortCursor* const free_;
};

// A role's endpoints: its list, which a count must fit, or ports for the count.
absl::StatusOr<List> Role(absl::string_view list_flag, const List& list,
                          absl::string_view count_flag, int count, int first_port, Ports* ports) {
  if (count <= 0 && list.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("The setting of Parameter-Server mode must has ",
                                                   count_flag, " or ", list_flag));
  }
  if (list.empty()) return ports->Take(count);
  if (count > 0 && count != static_cast<int>(list.size())) {
    return absl::InvalidArgumentError(absl::StrCat("--", count_flag, "=", count, ", but --",
                                                   list_flag, " has ", list.size(), " endpoints"));
  }
  return WithPorts(list, first_port);
}

absl::Status FindStages(const PaddleFlags& flags, int first_port, Ports* ports,
                        LegacyEndpoints* found) {
  const size_t stages = std::max(flags.heter_workers.size(), flags.heter_worker_num.size());
  for (size_t i = 0; i < stages; ++i) {
    const List list = i < flags.heter_workers.size() ? flags.heter_workers[i] : List();
    const int count = i < flags.heter_worker_num.size() ? flags.heter_worker_num[i] : 0;
    MUSTER_ASSIGN_OR_RETURN(
        List stage, Role("heter_workers", list, "heter_worker_num", count, first_port, ports));
    first_port += static_cast<int>(stage.size());
    found->stages.push_back(std::move(stage));
  }
  found->stage_devices = flags.heter_devices;
  // The document's examples give none, and mean GPUs.
  if (found->stage_devices.empty()) found->stage_devices.assign(stages, "gpu");
  if (found->stage_devices.size() < stages) {
    return absl::InvalidArgumentError(
        absl::StrCat("--heter_devices=", absl::StrJoin(flags.heter_devices, ";"), ": ", stages,
                     " stages need as many devices"));
  }
  return absl::OkStatus();
}

absl::Status FindOwnIp(const PodSettings& settings, LegacyEndpoints* found) {
  std::set<std::string> ips;
  const auto add = [&ips](const List& list) {
    for (const std::string& endpoint : list) ips.insert(EndpointHost(endpoint));
  };
  add(found->servers);
  add(found->workers);
  for (const List& stage : found->stages) add(stage);
  found->own_ip = ips.size() == 1 ? *ips.begin() : settings.node_ip;
  if (ips.count(found->own_ip) > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "this host's address, ", found->own_ip,
      ", is in none of the lists: ", absl::StrJoin(ips, ", "), "; set POD_IP to the one that is"));
}

}  // namespace

absl::StatusOr<LegacyEndpoints> FindLegacyEndpoints(const PodSettings& settings,
                                                    const std::map<std::string, std::string>& env,
                                                    PortCursor* free_ports) {
  const PaddleFlags& flags = settings.flags;
  Ports ports(env, free_ports);
  LegacyEndpoints found;
  MUSTER_ASSIGN_OR_RETURN(found.servers,
                          Role("servers", flags.servers, "server_num", flags.server_num.value_or(0),
                               kFirstTrainerPort, &ports));
  const int after_servers = kFirstTrainerPort + static_cast<int>(found.servers.size());
  MUSTER_ASSIGN_OR_RETURN(found.workers, Role("workers", flags.workers, "worker_num",
                                              flags.worker_num.value_or(0), after_servers, &ports));
  const int after_workers = after_servers + static_cast<int>(found.workers.size());
  MUSTER_RETURN_IF_ERROR(FindStages(flags, after_workers, &ports, &found));
  MUSTER_RETURN_IF_ERROR(FindOwnIp(settings, &found));
  // Each host works it out for itself: where there are several, a free port would not be the same.
  const bool local = flags.servers.empty();
  std::string port = absl::StrCat(flags.http_port.value_or(flags.gloo_port));
  if (!flags.http_port.has_value() && (local || env.count("FLAGS_START_PORT") > 0)) {
    MUSTER_ASSIGN_OR_RETURN(const List gloo, ports.Take(1));
    port = gloo.front().substr(gloo.front().find(':') + 1);
  }
  found.gloo = absl::StrCat(EndpointHost(found.servers.front()), ":", port);
  return found;
}

}  // namespace muster
