#include "scheduler/plan/cluster_view.h"

#include <algorithm>
#include <tuple>

namespace muster {
namespace {

// Null: it is not there (any more).
NodeView* FindNode(const v1::NodePlacement& placement, ClusterView* cluster) {
  auto& nodes = cluster->nodes;
  const auto key = std::tie(placement.node_name(), placement.node_id());
  const auto at = std::lower_bound(nodes.begin(), nodes.end(), key,
                                   [](const NodeView& node, const auto& wanted) {
                                     return std::tie(node.name, node.id) < wanted;
                                   });
  if (at != nodes.end() && at->id == placement.node_id()) return &*at;
  // It has another name since, or nobody has sorted them.
  const auto found = std::find_if(nodes.begin(), nodes.end(), [&placement](const NodeView& node) {
    return node.id == placement.node_id();
  });
  return found == nodes.end() ? nullptr : &*found;
}

void SetDevices(const v1::NodePlacement& placement, bool in_use, NodeView* node) {
  for (const v1::DeviceId& id : placement.devices()) {
    for (DeviceView& device : node->devices) {
      if (device.kind == id.kind() && device.physical == id.physical()) device.in_use = in_use;
    }
  }
}

}  // namespace

void ClusterView::Sort() {
  std::sort(nodes.begin(), nodes.end(), [](const NodeView& a, const NodeView& b) {
    return std::tie(a.name, a.id) < std::tie(b.name, b.id);
  });
}

void TakePlacement(const v1::Placement& placement, ClusterView* cluster) {
  for (const v1::NodePlacement& taken : placement.nodes()) {
    NodeView* const node = FindNode(taken, cluster);
    if (node == nullptr) continue;
    SetDevices(taken, /*in_use=*/true, node);
    node->ranks_in_use += taken.ranks_size();
    for (const v1::RankPlacement& rank : taken.ranks()) {
      node->ports_in_use.insert(rank.ports().begin(), rank.ports().end());
      node->ports_in_use.insert(rank.fixed_ports().begin(), rank.fixed_ports().end());
    }
  }
}

void ReleasePlacement(const v1::Placement& placement, ClusterView* cluster) {
  for (const v1::NodePlacement& taken : placement.nodes()) {
    NodeView* const node = FindNode(taken, cluster);
    if (node == nullptr) continue;
    SetDevices(taken, /*in_use=*/false, node);
    node->ranks_in_use -= taken.ranks_size();
    for (const v1::RankPlacement& rank : taken.ranks()) {
      for (const uint32_t port : rank.ports()) node->ports_in_use.erase(port);
      for (const uint32_t port : rank.fixed_ports()) node->ports_in_use.erase(port);
    }
  }
}

NodeView MakeNodeView(const v1::NodeInfo& info, v1::NodeState state, bool cordoned) {
  NodeView node;
  node.id = info.id();
  node.name = info.name();
  node.address = info.address();
  node.agent_address = info.agent_address();
  node.labels = info.labels();
  node.state = state;
  node.cordoned = cordoned;
  for (const v1::Device& device : info.devices()) {
    node.devices.push_back({device.kind(), device.physical(), device.numa_node(), device.healthy(),
                            /*in_use=*/false, device.address(), device.super_device_id()});
  }
  return node;
}

}  // namespace muster
