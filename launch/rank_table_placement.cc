#include "launch/rank_table_placement.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status.h"

namespace muster {
namespace {

std::string Name(const v1::NodePlacement& node, const v1::DeviceId& device) {
  return absl::StrCat(device.kind(), " ", device.physical(), " of ", node.node_name());
}

// Whether the addresses can be the servers' ids as they are.
bool AddressesAreInOrder(const v1::Placement& placement) {
  for (int i = 0; i < placement.nodes_size(); ++i) {
    const std::string& address = placement.nodes(i).address();
    if (address.empty() || address.size() > kMaxServerIdLength) return false;
    if (i > 0 && placement.nodes(i - 1).address() >= address) return false;
  }
  return true;
}

absl::StatusOr<RankTableDevice> MakeDevice(const v1::NodePlacement& node,
                                           const v1::RankPlacement& rank, bool several,
                                           bool super_pods) {
  const v1::DeviceId& placed = node.devices(rank.devices(0));
  if (several && placed.address().empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "rank table: ", Name(node, placed),
        " has no address, and a job on several hosts needs "
        "one; set it with `hccn_tool`, or list it in /etc/hccn.conf, and start the agent again"));
  }
  if (super_pods && placed.super_device_id().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("rank table: ", Name(node, placed),
                     " has no super device id (`npu-smi info -t spod-info` shows it); use "
                     "rank_table.version: \"1.0\", or bring a table in rank_table.file"));
  }
  RankTableDevice device;
  device.device_id = placed.physical();
  device.device_ip = placed.address();
  device.rank_id = rank.rank();
  if (super_pods) device.super_device_id = placed.super_device_id();
  return device;
}

absl::StatusOr<std::vector<RankTableSuperPod>> MakeSuperPods(const v1::RankTableOptions& options,
                                                             const v1::Placement& placement,
                                                             const RankTable& table) {
  std::vector<RankTableSuperPod> pods;
  for (int i = 0; i < placement.nodes_size(); ++i) {
    std::string id = "0";
    if (!options.super_pods().empty()) {
      const auto found = options.super_pods().find(placement.nodes(i).node_name());
      if (found == options.super_pods().end()) {
        return absl::InvalidArgumentError(absl::StrCat("rank_table.super_pods: host ",
                                                       placement.nodes(i).node_name(),
                                                       " is in none; add it, or leave all out"));
      }
      id = found->second;
    }
    const auto same = [&id](const RankTableSuperPod& pod) { return pod.super_pod_id == id; };
    auto pod = std::find_if(pods.begin(), pods.end(), same);
    if (pod == pods.end()) pod = pods.insert(pods.end(), {id, {}});
    pod->server_ids.push_back(table.servers[static_cast<size_t>(i)].server_id);
  }
  return pods;
}

const RankTableServer* FindServer(const RankTable& table, const v1::NodePlacement& node) {
  for (const RankTableServer& server : table.servers) {
    for (const std::string& name : {node.address(), node.node_name()}) {
      const auto& addresses = server.addresses;
      if (server.server_id == name ||
          std::find(addresses.begin(), addresses.end(), name) != addresses.end()) {
        return &server;
      }
    }
  }
  return nullptr;
}

absl::Status MatchRank(const RankTableServer& server, const v1::NodePlacement& node,
                       const v1::RankPlacement& rank) {
  const v1::DeviceId& placed = node.devices(rank.devices(0));
  const auto same = [&placed](const RankTableDevice& device) {
    return device.device_id == placed.physical();
  };
  const auto device = std::find_if(server.devices.begin(), server.devices.end(), same);
  if (device == server.devices.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("server \"", server.server_id, "\" lists no device ", placed.physical(),
                     ", and rank ", rank.rank(), " has ", Name(node, placed)));
  }
  if (device->rank_id != rank.rank()) {
    return absl::InvalidArgumentError(
        absl::StrCat("device ", placed.physical(), " of server \"", server.server_id,
                     "\" has rank ", device->rank_id, " there, and rank ", rank.rank(),
                     " in this job, which numbers them by host, then by device"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RankTable> MakeRankTable(const v1::RankTableOptions& options,
                                        const v1::Placement& placement) {
  RankTable table;
  if (!options.version().empty()) table.version = options.version();
  const bool super_pods = table.version != "1.0";
  const bool several = placement.nodes_size() > 1;
  const bool by_address = AddressesAreInOrder(placement);
  for (int i = 0; i < placement.nodes_size(); ++i) {
    const v1::NodePlacement& node = placement.nodes(i);
    RankTableServer server;
    server.server_id = by_address ? node.address() : absl::StrFormat("node-%05d", i);
    if (!by_address || super_pods) server.addresses.push_back(node.address());
    for (const v1::RankPlacement& rank : node.ranks()) {
      if (rank.devices_size() != 1) {
        return absl::InternalError(
            absl::StrCat("placement: rank ", rank.rank(), " has no device of its own"));
      }
      MUSTER_ASSIGN_OR_RETURN(RankTableDevice device, MakeDevice(node, rank, several, super_pods));
      server.devices.push_back(std::move(device));
    }
    table.servers.push_back(std::move(server));
  }
  if (super_pods) {
    MUSTER_ASSIGN_OR_RETURN(table.super_pods, MakeSuperPods(options, placement, table));
  }
  return table;
}

absl::Status MatchRankTable(const RankTable& table, const v1::Placement& placement, int node_rank) {
  int devices = 0;
  for (const RankTableServer& server : table.servers) {
    devices += static_cast<int>(server.devices.size());
  }
  int ranks = 0;
  for (const v1::NodePlacement& node : placement.nodes()) ranks += node.ranks_size();
  if (devices != ranks) {
    return absl::InvalidArgumentError(
        absl::StrCat("it lists ", devices, " devices, and the job has ", ranks, " ranks"));
  }
  const v1::NodePlacement& node = placement.nodes(node_rank);
  const bool only_one = table.servers.size() == 1 && placement.nodes_size() == 1;
  const RankTableServer* const server = only_one ? &table.servers[0] : FindServer(table, node);
  if (server == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("it has no server for host ", node.node_name(),
                                                   ", neither by its name nor as ",
                                                   node.address()));
  }
  for (const v1::RankPlacement& rank : node.ranks()) {
    MUSTER_RETURN_IF_ERROR(MatchRank(*server, node, rank));
  }
  if (static_cast<int>(server->devices.size()) == node.ranks_size()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("server \"", server->server_id, "\" lists ", server->devices.size(),
                   " devices, and host ", node.node_name(), " has ", node.ranks_size(), " ranks"));
}

}  // namespace muster
