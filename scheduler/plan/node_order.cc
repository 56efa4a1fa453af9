#include "scheduler/plan/node_order.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

namespace muster {
namespace {

using Nodes = std::vector<const NodeView*>;

std::string LabelOf(const NodeView& node, const char* label) {
  const auto it = node.labels.find(label);
  return it == node.labels.end() ? "" : it->second;
}

int FreeDevices(const NodeView& node, const std::set<std::string>& kinds) {
  return static_cast<int>(
      std::count_if(node.devices.begin(), node.devices.end(), [&kinds](const DeviceView& device) {
        return device.healthy && !device.in_use && kinds.count(device.kind) > 0;
      }));
}

// Index in the previous placement, or -1.
int PreviousRank(const v1::Placement* previous, const NodeView& node) {
  for (int i = 0; previous != nullptr && i < previous->nodes_size(); ++i) {
    if (previous->nodes(i).node_id() == node.id) return i;
  }
  return -1;
}

// Nodes that stand together; sorted by name among equals because their nodes are.
struct Group {
  std::string name;
  Nodes nodes;
  bool holds_whole_switch = false;
};

std::vector<Group> GroupBy(const Nodes& nodes, const char* label) {
  std::map<std::string, Group> groups;
  for (const NodeView* const node : nodes) {
    Group& group = groups[LabelOf(*node, label)];
    group.name = LabelOf(*node, label);
    group.nodes.push_back(node);
  }
  std::vector<Group> list;
  for (auto& [name, group] : groups) list.push_back(std::move(group));
  return list;
}

// The tightest group that suffices first; where none does, the largest.
void SortTightestFirst(size_t wanted, std::vector<Group>* groups) {
  const auto key = [wanted](const Group& group) {
    const bool suffices = group.nodes.size() >= wanted;
    const auto size = static_cast<int64_t>(group.nodes.size());
    return std::make_tuple(!suffices, !group.holds_whole_switch, suffices ? size : -size);
  };
  std::stable_sort(groups->begin(), groups->end(),
                   [&key](const Group& a, const Group& b) { return key(a) < key(b); });
}

Nodes Pack(const NodeWish& wish, const Nodes& nodes) {
  const auto wanted = static_cast<size_t>(wish.num_nodes);
  Nodes tightest = nodes;
  std::stable_sort(tightest.begin(), tightest.end(), [&](const NodeView* a, const NodeView* b) {
    return FreeDevices(*a, wish.kinds) < FreeDevices(*b, wish.kinds);
  });
  std::vector<Group> racks = GroupBy(tightest, kRackLabel);
  for (Group& rack : racks) {
    std::vector<Group> switches = GroupBy(rack.nodes, kSwitchLabel);
    SortTightestFirst(wanted, &switches);
    rack.holds_whole_switch = switches.front().nodes.size() >= wanted;
    rack.nodes.clear();
    for (const Group& one : switches) {
      rack.nodes.insert(rack.nodes.end(), one.nodes.begin(), one.nodes.end());
    }
  }
  SortTightestFirst(wanted, &racks);
  Nodes order;
  for (const Group& rack : racks) {
    order.insert(order.end(), rack.nodes.begin(), rack.nodes.end());
  }
  return order;
}

// One of each group in turn.
Nodes Interleave(const std::vector<Nodes>& groups) {
  Nodes order;
  size_t longest = 0;
  for (const Nodes& group : groups) longest = std::max(longest, group.size());
  for (size_t i = 0; i < longest; ++i) {
    for (const Nodes& group : groups) {
      if (i < group.size()) order.push_back(group[i]);
    }
  }
  return order;
}

Nodes Spread(const NodeWish& wish, const Nodes& nodes) {
  Nodes emptiest = nodes;
  std::stable_sort(emptiest.begin(), emptiest.end(), [&](const NodeView* a, const NodeView* b) {
    return std::make_pair(-FreeDevices(*a, wish.kinds), a->ranks_in_use) <
           std::make_pair(-FreeDevices(*b, wish.kinds), b->ranks_in_use);
  });
  std::vector<Nodes> racks;
  for (const Group& rack : GroupBy(emptiest, kRackLabel)) {
    std::vector<Nodes> switches;
    for (Group& one : GroupBy(rack.nodes, kSwitchLabel)) switches.push_back(std::move(one.nodes));
    racks.push_back(Interleave(switches));
  }
  return Interleave(racks);
}

}  // namespace

std::vector<const NodeView*> OrderByPreference(const NodeWish& wish, const ClusterView& cluster) {
  std::map<int, const NodeView*> known;  // By previous node rank.
  Nodes fitting;
  Nodes others;
  for (const NodeView& node : cluster.nodes) {
    if (!wish.fits(node)) {
      others.push_back(&node);
    } else if (const int rank = PreviousRank(wish.previous, node); rank >= 0) {
      known[rank] = &node;
    } else {
      fitting.push_back(&node);
    }
  }
  Nodes order;
  for (const auto& [rank, node] : known) order.push_back(node);
  const Nodes rest =
      wish.strategy == v1::PLACEMENT_STRATEGY_SPREAD ? Spread(wish, fitting) : Pack(wish, fitting);
  order.insert(order.end(), rest.begin(), rest.end());
  order.insert(order.end(), others.begin(), others.end());
  return order;
}

std::vector<const NodeView*> OrderByPlace(std::vector<const NodeView*> chosen,
                                          const v1::Placement* previous) {
  std::map<int, const NodeView*> known;  // By previous node rank.
  Nodes fresh;
  for (const NodeView* const node : chosen) {
    const int rank = PreviousRank(previous, *node);
    if (rank >= 0) {
      known[rank] = node;
    } else {
      fresh.push_back(node);
    }
  }
  Nodes order(chosen.size(), nullptr);
  int end = static_cast<int>(order.size());
  for (auto it = known.rbegin(); it != known.rend(); ++it) {
    end = std::min(it->first, end - 1);
    order[static_cast<size_t>(end)] = it->second;
  }
  std::stable_sort(fresh.begin(), fresh.end(), [](const NodeView* a, const NodeView* b) {
    return std::make_tuple(LabelOf(*a, kRackLabel), LabelOf(*a, kSwitchLabel), a->name) <
           std::make_tuple(LabelOf(*b, kRackLabel), LabelOf(*b, kSwitchLabel), b->name);
  });
  auto next = fresh.begin();
  for (const NodeView*& slot : order) {
    if (slot == nullptr) slot = *next++;
  }
  return order;
}

}  // namespace muster
