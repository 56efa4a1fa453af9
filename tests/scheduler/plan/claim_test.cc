#include "scheduler/plan/claim.h"

#include <random>

#include "common/job/job_defaults.h"
#include "gtest/gtest.h"
#include "scheduler/plan/gang_planner.h"

namespace muster {
namespace {

NodeView MakeNode(const std::string& name, int devices, int in_use = 0) {
  NodeView node;
  node.id = "id-" + name;
  node.name = name;
  node.state = v1::NODE_STATE_READY;
  for (int i = 0; i < devices; ++i) node.devices.push_back({"nvidia", i, -1, true, i < in_use});
  return node;
}

v1::JobSpec MakeSpec(int nodes, int devices) {
  v1::JobSpec spec;
  spec.set_contract("plain");
  spec.add_command("/bin/true");
  spec.mutable_nodes()->set_min(nodes);
  spec.mutable_nodes()->set_max(nodes);
  spec.mutable_devices_per_rank()->set_kind("nvidia");
  spec.mutable_devices_per_rank()->set_count(devices);
  FillJobDefaults(&spec);
  return spec;
}

v1::Placement OnNode(const NodeView& node, int first, int count) {
  v1::Placement placement;
  v1::NodePlacement* const there = placement.add_nodes();
  there->set_node_id(node.id);
  there->set_node_name(node.name);
  for (int i = first; i < first + count; ++i) {
    there->add_devices()->set_kind("nvidia");
    there->mutable_devices(i - first)->set_physical(i);
  }
  return placement;
}

int CountFree(const ClusterView& cluster) {
  int count = 0;
  for (const NodeView& node : cluster.nodes) {
    for (const DeviceView& device : node.devices) count += device.in_use ? 0 : 1;
  }
  return count;
}

TEST(SpareDevicesTest, WhatOneGangGivesBackAtOnceMayBeTooMuch) {
  EXPECT_EQ(SpareDevices(4, 3, {5}), 3);  // 8 in the end.
  EXPECT_EQ(SpareDevices(8, 3, {5}), 0);
  EXPECT_EQ(SpareDevices(7, 3, {5}), 1);
  EXPECT_EQ(SpareDevices(4, 3, {1, 4}), 0);  // The smaller one may do.
  EXPECT_EQ(SpareDevices(4, 4, {4}), 0);     // It lacks something else.
}

// For every order in which gangs end: where there is enough without newcomers, so there is with
// them.
TEST(SpareDevicesTest, NewcomersNeverMatter) {
  std::mt19937 random(3);
  int spared = 0;
  for (int round = 0; round < 5000; ++round) {
    std::vector<int> held;
    int all = 0;
    for (unsigned i = 1 + random() % 5; i > 0; --i) {
      held.push_back(1 + static_cast<int>(random() % 6));
      all += held.back();
    }
    const int free = static_cast<int>(random() % 8);
    const int need = 1 + static_cast<int>(random() % static_cast<unsigned>(free + all));
    const int spare = SpareDevices(need, free, held);
    ASSERT_GE(spare, 0);
    ASSERT_LE(spare, free);
    spared += spare;
    for (unsigned mask = 0; mask < 1U << held.size(); ++mask) {
      int there = free;
      for (size_t i = 0; i < held.size(); ++i) there += (mask >> i & 1U) != 0 ? held[i] : 0;
      const bool enough_before = need > free && there >= need;
      if (enough_before) {
        ASSERT_GE(there - spare, need) << round;
      }
    }
  }
  EXPECT_GT(spared, 1000);
}

TEST(ClaimTest, HoldsTheKindsOfTheHeadOnNodesThatItCouldUse) {
  const NodeView small = MakeNode("c", 2);
  const ClusterView idle{{MakeNode("a", 4), MakeNode("b", 4), small}};
  const Claim claim(MakeSpec(2, 4), idle);
  ClusterView cluster = idle;
  const v1::Placement running = OnNode(cluster.nodes[0], 0, 2);
  TakePlacement(running, &cluster);

  ASSERT_TRUE(claim.possible());
  claim.HoldNeeded({&running}, &cluster);

  EXPECT_EQ(CountFree(cluster), 2);
  EXPECT_TRUE(claim.Touches(running));
  EXPECT_FALSE(claim.Touches(OnNode(small, 0, 1)));
}

TEST(ClaimTest, NodesThatAreLostOrToBeEmptiedAreNotWaitedFor) {
  ClusterView idle{{MakeNode("a", 4), MakeNode("b", 4)}};
  EXPECT_TRUE(Claim(MakeSpec(2, 4), idle).possible());
  idle.nodes[1].state = v1::NODE_STATE_SUSPECT;
  EXPECT_TRUE(Claim(MakeSpec(2, 4), idle).possible());
  idle.nodes[1].state = v1::NODE_STATE_LOST;
  EXPECT_FALSE(Claim(MakeSpec(2, 4), idle).possible());
  idle.nodes[1].state = v1::NODE_STATE_READY;
  idle.nodes[1].cordoned = true;
  EXPECT_FALSE(Claim(MakeSpec(2, 4), idle).possible());
}

TEST(ClaimTest, AnUnhealthyDeviceDoesNotComeBack) {
  ClusterView cluster{{MakeNode("a", 6)}};
  cluster.nodes[0].devices[0].healthy = false;
  const Claim claim(MakeSpec(1, 4), cluster);
  const v1::Placement running = OnNode(cluster.nodes[0], 0, 3);  // Gives two back.
  TakePlacement(running, &cluster);

  claim.HoldNeeded({&running}, &cluster);

  EXPECT_EQ(CountFree(cluster), 1);  // 2 + 3 - 4.
}

TEST(ClaimTest, IsForTheHostsWithDevicesOfAnyRole) {
  v1::JobSpec spec = MakeSpec(2, 2);
  spec.clear_devices_per_rank();
  spec.clear_roles();
  v1::RoleSpec* const server = spec.add_roles();
  server->set_name("server");
  server->set_per_node(1);
  server->set_node_ranks("1");
  v1::RoleSpec* const trainer = spec.add_roles();
  trainer->set_name("trainer");
  trainer->set_per_node(1);
  trainer->set_node_ranks("0");
  trainer->mutable_devices_per_rank()->set_kind("nvidia");
  trainer->mutable_devices_per_rank()->set_count(2);
  FillJobDefaults(&spec);
  ClusterView cluster{{MakeNode("a", 2), MakeNode("b", 0)}};

  Claim(spec, cluster).HoldAll(&cluster);

  EXPECT_EQ(CountFree(cluster), 0);
}

}  // namespace
}  // namespace muster
