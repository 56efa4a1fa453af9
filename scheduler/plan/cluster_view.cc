#include "scheduler/plan/cluster_view.h"

#include <algorithm>
#include <tuple>

namespace muster {

void ClusterView::Sort() {
  std::sort(nodes.begin(), nodes.end(), [](const NodeView& a, const NodeView& b) {
    return std::tie(a.name, a.id) < std::tie(b.name, b.id);
  });
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
