#include "agent/device/topology.h"

#include <sched.h>
#include <stdlib.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The machine that HWLOC_SYNTHETIC describes; its processors are numbered in order.
std::unique_ptr<Topology> Synthetic(const std::string& description) {
  setenv("HWLOC_SYNTHETIC", description.c_str(), 1);
  setenv("HWLOC_THISSYSTEM", "0", 1);
  auto topology = Topology::Load();
  unsetenv("HWLOC_SYNTHETIC");
  unsetenv("HWLOC_THISSYSTEM");
  EXPECT_TRUE(topology.ok()) << topology.status();
  return topology.ok() ? std::move(*topology) : nullptr;
}

TEST(TopologyTest, CountsProcessors) {
  EXPECT_EQ(Synthetic("pack:2 numa:1 core:16 pu:2")->cpus(), 64);
}

TEST(TopologyTest, BindsNothingWhenToldSo) {
  const auto bound = Synthetic("pack:1 core:2 pu:1")->Bind(v1::CORE_BINDING_NONE, {-1, 0});
  ASSERT_TRUE(bound.ok()) << bound.status();
  EXPECT_THAT(*bound, ElementsAre(IsEmpty(), IsEmpty()));
}

TEST(TopologyTest, DealsWholeCoresNearEachDevice) {
  const auto bound =
      Synthetic("pack:2 numa:1 core:2 pu:2")->Bind(v1::CORE_BINDING_CORE, {1, 0, 1, 0});
  ASSERT_TRUE(bound.ok()) << bound.status();
  EXPECT_THAT(*bound, ElementsAre(ElementsAre(4, 5), ElementsAre(0, 1), ElementsAre(6, 7),
                                  ElementsAre(2, 3)));
}

TEST(TopologyTest, BindsToWholeNumaNodes) {
  const auto bound = Synthetic("pack:2 numa:1 core:2 pu:1")->Bind(v1::CORE_BINDING_NUMA, {1, 0});
  ASSERT_TRUE(bound.ok()) << bound.status();
  EXPECT_THAT(*bound, ElementsAre(ElementsAre(2, 3), ElementsAre(0, 1)));
}

TEST(TopologyTest, RefusesMoreRanksThanCoresNotProcessors) {
  const auto bound = Synthetic("pack:1 core:2 pu:2")->Bind(v1::CORE_BINDING_CORE, {-1, -1, -1});
  EXPECT_EQ(bound.status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(TopologyTest, MoreRanksThanCoresMayShareNumaNodes) {
  const auto bound =
      Synthetic("pack:2 numa:1 core:1 pu:1")->Bind(v1::CORE_BINDING_NUMA, {0, 0, 0, 1, 1, 1});
  ASSERT_TRUE(bound.ok()) << bound.status();
  EXPECT_THAT(*bound, ElementsAre(ElementsAre(0), ElementsAre(0), ElementsAre(0), ElementsAre(1),
                                  ElementsAre(1), ElementsAre(1)));
}

TEST(TopologyTest, EightDevicesOnFourNodesHaveTheirCoresBesideThem) {
  // Two devices on each node, in the order in which such hosts number them.
  const auto bound =
      Synthetic("pack:2 numa:2 core:4 pu:2")->Bind(v1::CORE_BINDING_CORE, {1, 1, 0, 0, 3, 3, 2, 2});
  ASSERT_TRUE(bound.ok()) << bound.status();
  EXPECT_THAT((*bound)[0], ElementsAre(8, 9, 10, 11));
  EXPECT_THAT((*bound)[1], ElementsAre(12, 13, 14, 15));
  EXPECT_THAT((*bound)[2], ElementsAre(0, 1, 2, 3));
  EXPECT_THAT((*bound)[7], ElementsAre(20, 21, 22, 23));
}

TEST(TopologyTest, DevicesOnTheOtherNodeAloneLeaveNoRankWithoutCores) {
  const auto bound =
      Synthetic("pack:2 numa:1 core:2 pu:1")->Bind(v1::CORE_BINDING_CORE, {1, 1, 1, 1});
  ASSERT_TRUE(bound.ok()) << bound.status();
  EXPECT_THAT(*bound, ElementsAre(ElementsAre(2), ElementsAre(3), ElementsAre(0), ElementsAre(1)));
}

TEST(TopologyTest, ADeviceOfANodeThatTheHostDoesNotShowIsPlacedSomewhere) {
  const auto topology = Synthetic("pack:2 numa:1 core:2 pu:1");
  const auto cores = topology->Bind(v1::CORE_BINDING_CORE, {7, 0});
  ASSERT_TRUE(cores.ok()) << cores.status();
  EXPECT_THAT(*cores, ElementsAre(ElementsAre(2, 3), ElementsAre(0, 1)));
  const auto nodes = topology->Bind(v1::CORE_BINDING_NUMA, {7});
  ASSERT_TRUE(nodes.ok()) << nodes.status();
  EXPECT_THAT(*nodes, ElementsAre(ElementsAre(2, 3)));
}

TEST(TopologyTest, AHostWithoutNumaNodesIsOneOfThem) {
  const auto bound = Synthetic("core:4 pu:1")->Bind(v1::CORE_BINDING_NUMA, {0, -1});
  ASSERT_TRUE(bound.ok()) << bound.status();
  EXPECT_THAT(*bound, ElementsAre(ElementsAre(0, 1, 2, 3), ElementsAre(0, 1, 2, 3)));
}

TEST(TopologyTest, UsesOnlyWhatTheAffinityOfThisProcessLeaves) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  int last = 0;
  for (int pu = 0; pu < CPU_SETSIZE; ++pu) {
    if (CPU_ISSET(pu, &before)) last = pu;
  }
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(last, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  const auto topology = Topology::Load();
  sched_setaffinity(0, sizeof(before), &before);
  ASSERT_TRUE(topology.ok()) << topology.status();
  EXPECT_EQ((*topology)->cpus(), 1);
  const auto bound = (*topology)->Bind(v1::CORE_BINDING_CORE, {-1});
  ASSERT_TRUE(bound.ok()) << bound.status();
  EXPECT_THAT(*bound, ElementsAre(ElementsAre(last)));
}

}  // namespace
}  // namespace muster
