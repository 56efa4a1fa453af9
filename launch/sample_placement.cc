#include "launch/sample_placement.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/job/job_defaults.h"
#include "common/job/rank_map.h"
#include "launch/registry.h"

namespace muster {
namespace {

constexpr uint32_t kFirstPort = 20000;
constexpr int kHostsPerNet = 254;
constexpr int kDevicesPerHost = 16;  // Of an Ascend host, at most.

std::string LoopbackAddress(int node_rank) {
  return absl::StrCat("127.0.", node_rank / kHostsPerNet, ".", node_rank % kHostsPerNet + 1);
}

// What rank tables need of Ascend devices; no other kind has it.
void AddNetwork(int node_rank, v1::DeviceId* device) {
  if (device->kind() != "ascend") return;
  const int n = device->physical();
  device->set_address(absl::StrCat("192.168.", node_rank % kHostsPerNet, ".", n + 1));
  device->set_super_device_id(absl::StrCat(node_rank * kDevicesPerHost + n));
}

void AddDevices(const v1::DeviceRequest& request, int node_rank, std::map<std::string, int>* used,
                v1::NodePlacement* node, v1::RankPlacement* rank) {
  for (int i = 0; i < request.count(); ++i) {
    rank->add_devices(node->devices_size());
    v1::DeviceId* device = node->add_devices();
    device->set_kind(request.kind());
    device->set_physical((*used)[request.kind()]++);
    AddNetwork(node_rank, device);
  }
}

v1::NodePlacement PlaceNode(const v1::JobSpec& spec, const std::vector<RoleNeeds>& needs,
                            int num_nodes, int node_rank) {
  v1::NodePlacement node;
  node.set_node_name(absl::StrCat("node-", node_rank));
  node.set_node_id(node.node_name());
  node.set_address(LoopbackAddress(node_rank));
  std::map<std::string, int> used;
  uint32_t next_port = kFirstPort;
  for (const RankPosition& slot : RanksOfNode(spec, num_nodes, node_rank)) {
    const v1::RoleSpec& role = spec.roles(slot.role);
    v1::RankPlacement* rank = node.add_ranks();
    rank->set_role(role.name());
    rank->set_rank(slot.rank);
    rank->set_local_rank(slot.local_rank);
    AddDevices(DevicesOf(spec, role), node_rank, &used, &node, rank);
    const RoleNeeds of_role = NeedsOfRole(needs, role.name());
    for (int i = 0; i < PortsOfRank(of_role, slot.rank); ++i) rank->add_ports(next_port++);
    AddFixedPorts(of_role, rank);
  }
  return node;
}

}  // namespace

absl::StatusOr<v1::Placement> SamplePlacement(const v1::JobSpec& spec, int num_nodes) {
  MUSTER_ASSIGN_OR_RETURN(const LaunchContract* contract, FindContract(spec.contract()));
  const std::vector<RoleNeeds> needs = contract->Needs(spec);
  if (num_nodes == 0) num_nodes = spec.nodes().min();
  v1::Placement placement;
  for (int i = 0; i < num_nodes; ++i) {
    *placement.add_nodes() = PlaceNode(spec, needs, num_nodes, i);
  }
  return placement;
}

}  // namespace muster
