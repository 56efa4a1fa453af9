#include "agent/device/core_binding.h"

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// `nodes` NUMA nodes of `cores` cores of one processor each, numbered in order.
CoreMap Host(int nodes, int cores) {
  CoreMap map;
  for (int node = 0; node < nodes; ++node) {
    for (int core = 0; core < cores; ++core) map.cores.push_back({{node * cores + core}, node});
  }
  return map;
}

TEST(BindToCoresTest, DealsEqualSharesInOrder) {
  const auto bound = BindToCores(Host(1, 6), {-1, -1, -1});
  ASSERT_TRUE(bound.ok()) << bound.status();
  EXPECT_THAT(*bound, ElementsAre(ElementsAre(0, 1), ElementsAre(2, 3), ElementsAre(4, 5)));
}

TEST(BindToCoresTest, LeavesUnusedWhatCannotBeSharedEqually) {
  const auto bound = BindToCores(Host(1, 5), {-1, -1});
  ASSERT_TRUE(bound.ok()) << bound.status();
  EXPECT_THAT(*bound, ElementsAre(ElementsAre(0, 1), ElementsAre(2, 3)));
}

TEST(BindToCoresTest, GivesWholeCoresWithAllTheirProcessors) {
  CoreMap map;
  map.cores = {{{0, 2}, 0}, {{1, 3}, 0}};
  const auto bound = BindToCores(map, {-1, -1});
  ASSERT_TRUE(bound.ok()) << bound.status();
  EXPECT_THAT(*bound, ElementsAre(ElementsAre(0, 2), ElementsAre(1, 3)));
}

TEST(BindToCoresTest, PlacesRanksNearTheirDevices) {
  const auto bound = BindToCores(Host(2, 2), {1, 1, 0, 0});
  ASSERT_TRUE(bound.ok()) << bound.status();
  EXPECT_THAT(*bound, ElementsAre(ElementsAre(2), ElementsAre(3), ElementsAre(0), ElementsAre(1)));
}

TEST(BindToCoresTest, LetsRanksWithADeviceChooseFirst) {
  const auto bound = BindToCores(Host(2, 1), {-1, 0});
  ASSERT_TRUE(bound.ok()) << bound.status();
  EXPECT_THAT(*bound, ElementsAre(ElementsAre(1), ElementsAre(0)));
}

TEST(BindToCoresTest, SpillsToTheNearestNodeByTheFirmwaresDistances) {
  CoreMap map = Host(3, 1);
  map.distance = {{0, {{0, 10}, {1, 32}, {2, 16}}}};
  const auto bound = BindToCores(map, {0, 0});
  ASSERT_TRUE(bound.ok()) << bound.status();
  EXPECT_THAT(*bound, ElementsAre(ElementsAre(0), ElementsAre(2)));
}

TEST(BindToCoresTest, SpillsOverOnlyIntoWhatNobodysDeviceIsNearTo) {
  CoreMap map;
  map.cores = {{{0}, 0}, {{1}, 0}, {{2}, 1}, {{3}, 2}};
  const auto bound = BindToCores(map, {0, 0, 0, 1});
  ASSERT_TRUE(bound.ok()) << bound.status();
  EXPECT_THAT(*bound, ElementsAre(ElementsAre(0), ElementsAre(1), ElementsAre(3), ElementsAre(2)));
}

TEST(BindToCoresTest, RefusesMoreRanksThanCores) {
  const auto bound = BindToCores(Host(1, 2), {-1, -1, -1});
  EXPECT_EQ(bound.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(bound.status().message()),
              HasSubstr("3 ranks, but the agent may use only 2 cores here"));
}

TEST(BindToCoresTest, NeverGivesACoreTwice) {
  const auto bound = BindToCores(Host(4, 7), {3, 3, -1, 0, 9, 3, 1, -1});
  ASSERT_TRUE(bound.ok()) << bound.status();
  std::set<int> seen;
  for (const auto& pus : *bound) {
    EXPECT_EQ(pus.size(), 3u);
    for (const int pu : pus) EXPECT_TRUE(seen.insert(pu).second) << pu;
  }
}

TEST(BindToNumaNodesTest, GivesAllCoresOfTheDevicesNode) {
  EXPECT_THAT(BindToNumaNodes(Host(2, 2), {1, 1, 0}),
              ElementsAre(ElementsAre(2, 3), ElementsAre(2, 3), ElementsAre(0, 1)));
}

TEST(BindToNumaNodesTest, SpreadsRanksWithoutADeviceOverTheNodes) {
  EXPECT_THAT(BindToNumaNodes(Host(2, 1), {-1, -1, -1, -1}),
              ElementsAre(ElementsAre(0), ElementsAre(0), ElementsAre(1), ElementsAre(1)));
}

TEST(BindToNumaNodesTest, MoreRanksThanCoresShareThem) {
  const auto bound = BindToNumaNodes(Host(2, 1), {1, 1, 1, 0, 0});
  EXPECT_THAT(bound, ElementsAre(ElementsAre(1), ElementsAre(1), ElementsAre(1), ElementsAre(0),
                                 ElementsAre(0)));
}

TEST(BindToNumaNodesTest, TakesTheNearestNodeThatHasCores) {
  CoreMap map = Host(2, 1);
  map.distance = {{7, {{0, 40}, {1, 20}}}};  // Node 7 has memory only.
  EXPECT_THAT(BindToNumaNodes(map, {7}), ElementsAre(ElementsAre(1)));
}

}  // namespace
}  // namespace muster
