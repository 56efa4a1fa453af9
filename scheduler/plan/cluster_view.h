#ifndef MUSTER_SCHEDULER_PLAN_CLUSTER_VIEW_H_
#define MUSTER_SCHEDULER_PLAN_CLUSTER_VIEW_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "google/protobuf/map.h"
#include "muster/v1/node.pb.h"
#include "muster/v1/placement.pb.h"

namespace muster {

struct DeviceView {
  std::string kind;
  int physical = 0;
  int numa_node = -1;  // -1: unknown.
  bool healthy = true;
  bool in_use = false;
  // As in DeviceId; may be empty.
  std::string address;
  std::string super_device_id;
};

struct NodeView {
  std::string id;
  std::string name;
  std::string address;
  std::string agent_address;
  google::protobuf::Map<std::string, std::string> labels;
  v1::NodeState state = v1::NODE_STATE_JOINING;
  bool cordoned = false;
  bool keeps_lease = false;
  std::vector<DeviceView> devices;
  int ranks_in_use = 0;
  std::set<uint32_t> ports_in_use;
};

// All that the planner knows of the cluster: a snapshot, by value. Nodes are ordered by name, then
// id, so that equal clusters give equal plans.
struct ClusterView {
  std::vector<NodeView> nodes;

  void Sort();
};

// Marks what `placement` takes.
void TakePlacement(const v1::Placement& placement, ClusterView* cluster);
// The reverse, for what was taken once.
void ReleasePlacement(const v1::Placement& placement, ClusterView* cluster);

NodeView MakeNodeView(const v1::NodeInfo& info, v1::NodeState state, bool cordoned);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_PLAN_CLUSTER_VIEW_H_
