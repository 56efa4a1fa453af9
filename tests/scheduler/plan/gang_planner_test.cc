#include "scheduler/plan/gang_planner.h"

#include "absl/strings/str_cat.h"
#include "common/job/job_defaults.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "launch/registry.h"
#include "scheduler/plan/fit.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

NodeView MakeNode(const std::string& name, int devices) {
  NodeView node;
  node.id = "id-" + name;
  node.name = name;
  node.state = v1::NODE_STATE_READY;
  for (int i = 0; i < devices; ++i) node.devices.push_back({"nvidia", i, -1, true, false});
  return node;
}

v1::JobSpec MakeSpec(int min, int max, int ranks, int devices) {
  v1::JobSpec spec;
  spec.set_name("train");
  spec.set_contract("plain");
  spec.add_command("/bin/true");
  spec.mutable_nodes()->set_min(min);
  spec.mutable_nodes()->set_max(max);
  spec.set_ranks_per_node(ranks);
  if (devices > 0) {
    spec.mutable_devices_per_rank()->set_kind("nvidia");
    spec.mutable_devices_per_rank()->set_count(devices);
  }
  FillJobDefaults(&spec);
  return spec;
}

std::vector<int> Physical(const v1::NodePlacement& node) {
  std::vector<int> numbers;
  for (const v1::DeviceId& device : node.devices()) numbers.push_back(device.physical());
  return numbers;
}

std::string Reason(const absl::StatusOr<GangPlan>& plan) {
  EXPECT_TRUE(absl::IsResourceExhausted(plan.status()));
  return std::string(plan.status().message());
}

TEST(GangPlannerTest, TakesTheLowestDevicesOfTheFirstNodes) {
  const ClusterView cluster{{MakeNode("a", 4), MakeNode("b", 4), MakeNode("c", 4)}};

  const absl::StatusOr<GangPlan> plan = PlanGang(MakeSpec(2, 2, 2, 1), cluster);

  ASSERT_TRUE(plan.ok());
  ASSERT_EQ(plan->placement.nodes_size(), 2);
  EXPECT_EQ(plan->placement.nodes(0).node_name(), "a");
  EXPECT_THAT(Physical(plan->placement.nodes(1)), ElementsAre(0, 1));
  const v1::RankPlacement& last = plan->placement.nodes(1).ranks(1);
  EXPECT_EQ(last.rank(), 3);
  EXPECT_EQ(last.local_rank(), 1);
  EXPECT_THAT(last.devices(), ElementsAre(1));
}

TEST(GangPlannerTest, CarriesTheDevicesOwnAddressesToEveryHost) {
  v1::NodeInfo info;
  v1::Device* const device = info.add_devices();
  device->set_kind("nvidia");
  device->set_healthy(true);
  device->set_address("192.168.0.1");
  device->set_super_device_id("7");
  const NodeView node = MakeNodeView(info, v1::NODE_STATE_READY, /*cordoned=*/false);

  const absl::StatusOr<GangPlan> plan = PlanGang(MakeSpec(1, 1, 1, 1), {{node}});

  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->placement.nodes(0).devices(0).address(), "192.168.0.1");
  EXPECT_EQ(plan->placement.nodes(0).devices(0).super_device_id(), "7");
}

TEST(GangPlannerTest, GivesEachRankSeveralDevices) {
  const absl::StatusOr<GangPlan> plan = PlanGang(MakeSpec(1, 1, 2, 2), {{MakeNode("a", 4)}});

  ASSERT_TRUE(plan.ok());
  EXPECT_THAT(plan->placement.nodes(0).ranks(0).devices(), ElementsAre(0, 1));
  EXPECT_THAT(plan->placement.nodes(0).ranks(1).devices(), ElementsAre(2, 3));
}

TEST(GangPlannerTest, KeepsToOneNumaNodeWhereItSuffices) {
  ClusterView cluster{{MakeNode("a", 8)}};
  for (int i = 0; i < 8; ++i) cluster.nodes[0].devices[static_cast<size_t>(i)].numa_node = i / 4;
  cluster.nodes[0].devices[1].in_use = true;

  EXPECT_THAT(Physical(PlanGang(MakeSpec(1, 1, 4, 1), cluster)->placement.nodes(0)),
              ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(Physical(PlanGang(MakeSpec(1, 1, 2, 1), cluster)->placement.nodes(0)),
              ElementsAre(0, 2));
  EXPECT_THAT(Physical(PlanGang(MakeSpec(1, 1, 5, 1), cluster)->placement.nodes(0)),
              ElementsAre(0, 4, 5, 6, 7));
}

TEST(GangPlannerTest, TakesAsManyNodesAsFitUpToTheMost) {
  const ClusterView cluster{{MakeNode("a", 1), MakeNode("b", 0), MakeNode("c", 1)}};

  EXPECT_EQ(PlanGang(MakeSpec(1, 5, 1, 1), cluster)->placement.nodes_size(), 2);
  EXPECT_FALSE(PlanGang(MakeSpec(3, 5, 1, 1), cluster).ok());
}

TEST(GangPlannerTest, AnUnevenRolePutsItsLargerShareWhereItFits) {
  v1::JobSpec spec = MakeSpec(2, 2, 1, 1);
  spec.mutable_roles(0)->set_count(3);
  spec.mutable_roles(0)->clear_per_node();

  const absl::StatusOr<GangPlan> plan = PlanGang(spec, {{MakeNode("a", 1), MakeNode("b", 2)}});

  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->placement.nodes(0).node_name(), "b");
  EXPECT_EQ(plan->placement.nodes(0).ranks_size(), 2);
}

TEST(GangPlannerTest, CountsTheReasons) {
  ClusterView cluster;
  for (int i = 0; i < 12; ++i) {
    NodeView node = MakeNode(absl::StrCat("n", i), 8);
    node.labels["gpu"] = i < 2 ? "h100" : "a100";
    if (i >= 2 && i < 5) node.cordoned = true;
    for (size_t k = 0; i >= 5 && k < 4; ++k) node.devices[k].in_use = true;
    cluster.nodes.push_back(node);
  }
  v1::JobSpec spec = MakeSpec(1, 1, 8, 1);
  spec.add_constraints("gpu==a100");

  EXPECT_EQ(Reason(PlanGang(spec, cluster)),
            "12 nodes: 7 too few devices (need 8 nvidia, have 4 free), 3 cordoned, "
            "2 label gpu!=a100");
}

TEST(GangPlannerTest, SaysWhatFitsWhenNodesAreShort) {
  EXPECT_EQ(Reason(PlanGang(MakeSpec(2, 2, 1, 1), {{MakeNode("a", 1), MakeNode("b", 0)}})),
            "2 nodes: 1 too few devices (need 1 nvidia, have 0 free), 1 fits (need 2 nodes)");
  EXPECT_THAT(Reason(PlanGang(MakeSpec(1, 1, 1, 0), {})), HasSubstr("no node has registered"));
}

TEST(GangPlannerTest, UnhealthyAndForeignDevicesDoNotCount) {
  ClusterView cluster{{MakeNode("a", 2)}};
  cluster.nodes[0].devices[0].healthy = false;
  cluster.nodes[0].devices[1].kind = "ascend";

  EXPECT_THAT(Reason(PlanGang(MakeSpec(1, 1, 1, 1), cluster)), HasSubstr("have 0 free"));
}

TEST(GangPlannerTest, OnlyReadyNodesTakeWork) {
  for (const v1::NodeState state : {v1::NODE_STATE_JOINING, v1::NODE_STATE_DRAINING,
                                    v1::NODE_STATE_SUSPECT, v1::NODE_STATE_LOST}) {
    ClusterView cluster{{MakeNode("a", 1)}};
    cluster.nodes[0].state = state;
    EXPECT_FALSE(PlanGang(MakeSpec(1, 1, 1, 0), cluster).ok()) << v1::NodeState_Name(state);
    EXPECT_TRUE(CheckEverFits(MakeSpec(1, 1, 1, 0), cluster).ok());
  }
}

TEST(GangPlannerTest, RanksWithoutDevicesFillANodeUpToTheCap) {
  ClusterView cluster{{MakeNode("a", 0)}};
  cluster.nodes[0].ranks_in_use = kMaxRanksOnNode - 64;

  EXPECT_TRUE(PlanGang(MakeSpec(1, 1, 64, 0), cluster).ok());
  EXPECT_THAT(Reason(PlanGang(MakeSpec(1, 1, 65, 0), cluster)), HasSubstr("too many ranks"));
}

TEST(GangPlannerTest, ATakenPlacementIsNotPlannedAgain) {
  ClusterView cluster{{MakeNode("a", 2)}};
  const v1::JobSpec spec = MakeSpec(1, 1, 1, 1);
  TakePlacement(PlanGang(spec, cluster)->placement, &cluster);

  EXPECT_THAT(Physical(PlanGang(spec, cluster)->placement.nodes(0)), ElementsAre(1));
}

TEST(GangPlannerTest, WhatIsInUseNowMayFitLater) {
  ClusterView cluster{{MakeNode("a", 2)}};
  cluster.nodes[0].devices[0].in_use = true;

  EXPECT_TRUE(CheckEverFits(MakeSpec(1, 1, 2, 1), cluster).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(CheckEverFits(MakeSpec(1, 1, 3, 1), cluster)));
}

TEST(GangPlannerTest, TorchGetsItsPorts) {
  v1::JobSpec spec = MakeSpec(2, 2, 2, 0);
  spec.set_contract("torch");

  const absl::StatusOr<GangPlan> plan = PlanGang(spec, {{MakeNode("a", 0), MakeNode("b", 0)}});

  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_GE(plan->ports[0][0], 1);
  EXPECT_EQ(plan->ports[1].size(), 2U);
}

// Two hosts of servers, two of trainers, which alone have devices.
v1::JobSpec ServersAndTrainers() {
  v1::JobSpec spec = MakeSpec(4, 4, 1, 0);
  spec.clear_roles();
  for (const char* name : {"server", "trainer"}) {
    v1::RoleSpec* const role = spec.add_roles();
    role->set_name(name);
    role->set_per_node(1);
  }
  spec.mutable_roles(0)->set_node_ranks("0-1");
  spec.mutable_roles(1)->set_node_ranks("2-3");
  spec.mutable_roles(1)->mutable_devices_per_rank()->set_kind("nvidia");
  spec.mutable_roles(1)->mutable_devices_per_rank()->set_count(2);
  return spec;
}

TEST(GangPlannerTest, ServersLeaveTheNodesWithDevicesToTheTrainers) {
  const ClusterView cluster{
      {MakeNode("a", 2), MakeNode("b", 2), MakeNode("c", 0), MakeNode("d", 0)}};

  const absl::StatusOr<GangPlan> plan = PlanGang(ServersAndTrainers(), cluster);

  ASSERT_TRUE(plan.ok()) << plan.status();
  std::string places;
  for (const v1::NodePlacement& node : plan->placement.nodes()) {
    absl::StrAppend(&places, node.node_name(), "=", node.ranks(0).role(), node.ranks(0).rank(),
                    " ");
  }
  EXPECT_EQ(places, "c=server0 d=server1 a=trainer0 b=trainer1 ");
  EXPECT_THAT(Reason(PlanGang(ServersAndTrainers(), {{MakeNode("a", 2), MakeNode("b", 0),
                                                      MakeNode("c", 0), MakeNode("d", 0)}})),
              HasSubstr("1 too few devices (need 2 nvidia, have 0 free), 3 fit (need 4 nodes)"));
}

TEST(GangPlannerTest, APortThatAJobNamesIsGivenOnceOnANode) {
  v1::JobSpec spec = MakeSpec(1, 1, 1, 0);
  spec.set_contract("mindspore");
  spec.mutable_mindspore()->set_sched_port(8118);
  CompleteSpec(&spec);
  ClusterView cluster{{MakeNode("a", 0), MakeNode("b", 0)}};

  for (const char* name : {"a", "b"}) {
    const absl::StatusOr<GangPlan> plan = PlanGang(spec, cluster);
    ASSERT_TRUE(plan.ok()) << plan.status();
    EXPECT_EQ(plan->placement.nodes(0).node_name(), name);
    EXPECT_THAT(plan->placement.nodes(0).ranks(1).fixed_ports(), ElementsAre(8118u));
    EXPECT_THAT(plan->ports[0], ElementsAre(0, 0));
    TakePlacement(plan->placement, &cluster);
  }
  EXPECT_EQ(Reason(PlanGang(spec, cluster)), "2 nodes: 2 port 8118 held by another job");
  EXPECT_TRUE(CheckEverFits(spec, cluster).ok());
}

}  // namespace
}  // namespace muster
