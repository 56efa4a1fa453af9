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
