#include "scheduler/plan/match_nodes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace muster {
namespace {

// Nodes with a number of devices each, and shares that need some.
struct Case {
  std::vector<NodeView> nodes;
  std::vector<Share> shares;
};

Share Needs(const std::string& kind, int count) {
  Share share;
  share.ranks = 1;
  if (count > 0) share.devices[kind] = count;
  return share;
}

NodeView Has(const std::string& name, const std::vector<std::pair<std::string, int>>& devices) {
  NodeView node;
  node.name = name;
  for (const auto& [kind, count] : devices) {
    for (int i = 0; i < count; ++i) node.devices.push_back({kind, i});
  }
  return node;
}

std::optional<Misfit> TooFew(const NodeView& node, const Share& share) {
  for (const auto& [kind, count] : share.devices) {
    const auto is_it = [&kind = kind](const DeviceView& device) { return device.kind == kind; };
    const auto have = std::count_if(node.devices.begin(), node.devices.end(), is_it);
    if (have < count) return Misfit{"too few", kind, count, static_cast<int>(have)};
  }
  return std::nullopt;
}

NodeMatch Match(const Case& test) {
  std::vector<const NodeView*> nodes;
  for (const NodeView& node : test.nodes) nodes.push_back(&node);
  return MatchNodes(nodes, test.shares, TooFew);
}

std::string Names(const NodeMatch& match) {
  std::string names;
  for (const NodeView* node : match.nodes) absl::StrAppend(&names, node->name);
  return names;
}

// Whether hosts from `host` on find nodes among those not yet used: by trying all.
bool Possible(const Case& test, size_t host, std::vector<bool>* used) {
  if (host == test.shares.size()) return true;
  for (size_t i = 0; i < test.nodes.size(); ++i) {
    if ((*used)[i] || TooFew(test.nodes[i], test.shares[host]).has_value()) continue;
    (*used)[i] = true;
    if (Possible(test, host + 1, used)) return true;
    (*used)[i] = false;
  }
  return false;
}

TEST(MatchNodesTest, KeepsToTheOrderOfTheNodesWhereItCan) {
  const Case test{{Has("a", {{"x", 1}}), Has("b", {}), Has("c", {{"x", 1}}), Has("d", {{"x", 1}})},
                  {Needs("x", 1), Needs("x", 0), Needs("x", 1)}};
  EXPECT_EQ(Names(Match(test)), "abc");
}

TEST(MatchNodesTest, MovesHostsOutOfTheWayThroughSeveralKinds) {
  const Case test{{Has("a", {{"x", 1}, {"y", 1}}), Has("b", {{"y", 1}}), Has("c", {})},
                  {Needs("x", 0), Needs("y", 1), Needs("x", 1)}};
  EXPECT_EQ(Names(Match(test)), "cba");
}

TEST(MatchNodesTest, SaysWhatIsWrongWithTheNodesThatAreLeft) {
  const Case test{{Has("a", {{"x", 2}}), Has("b", {{"x", 1}})},
                  {Needs("x", 1), Needs("x", 2), Needs("x", 2)}};
  const NodeMatch match = Match(test);
  EXPECT_EQ(Names(match), "ba");
  EXPECT_TRUE(match.misfits.empty()) << "no node is left";
  const NodeMatch small = Match({{Has("a", {{"x", 1}})}, {Needs("x", 2)}});
  ASSERT_EQ(small.misfits.size(), 1u);
  EXPECT_EQ(small.misfits[0].have, 1);
}

TEST(MatchNodesTest, FindsAWayWheneverThereIsOne) {
  std::mt19937 random(11);  // Fixed: a failure can be had again.
  const auto pick = [&random](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  int possible = 0;
  for (int round = 0; round < 2000; ++round) {
    Case test;
    const int nodes = pick(1, 6);
    for (int i = 0; i < nodes; ++i) {
      test.nodes.push_back(Has(absl::StrCat(i), {{"x", pick(0, 2)}, {"y", pick(0, 2)}}));
    }
    const int hosts = pick(1, nodes);
    for (int i = 0; i < hosts; ++i) {
      test.shares.push_back(Needs(pick(0, 1) == 0 ? "x" : "y", pick(0, 2)));
    }
    const NodeMatch match = Match(test);
    std::vector<bool> used(test.nodes.size());
    const bool expected = Possible(test, 0, &used);
    possible += expected ? 1 : 0;
    ASSERT_EQ(static_cast<int>(match.nodes.size()) == hosts, expected) << "round " << round;
    for (size_t i = 0; i < match.nodes.size(); ++i) {
      EXPECT_FALSE(TooFew(*match.nodes[i], test.shares[i]).has_value()) << "round " << round;
      EXPECT_EQ(std::count(match.nodes.begin(), match.nodes.end(), match.nodes[i]), 1);
    }
  }
  EXPECT_GT(possible, 200);
  EXPECT_LT(possible, 1800);
}

}  // namespace
}  // namespace muster
