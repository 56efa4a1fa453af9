#include "scheduler/plan/node_order.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using ::testing::ElementsAre;

NodeView MakeNode(const std::string& name, const std::string& rack, int devices, int used = 0) {
  NodeView node;
  node.id = "id-" + name;
  node.name = name;
  if (!rack.empty()) node.labels["rack"] = rack;
  for (int i = 0; i < devices; ++i) {
    DeviceView device;
    device.kind = "nvidia";
    device.physical = i;
    device.in_use = i < used;
    node.devices.push_back(device);
  }
  return node;
}

NodeWish MakeWish(v1::PlacementStrategy strategy, int num_nodes) {
  NodeWish wish;
  wish.strategy = strategy;
  wish.num_nodes = num_nodes;
  wish.kinds = {"nvidia"};
  wish.fits = [](const NodeView&) { return true; };
  return wish;
}

std::vector<std::string> Names(const std::vector<const NodeView*>& nodes) {
  std::vector<std::string> names;
  for (const NodeView* const node : nodes) names.push_back(node->name);
  return names;
}

class NodeOrderTest : public testing::Test {
 protected:
  NodeOrderTest() {
    cluster_.nodes = {MakeNode("a1", "a", 8), MakeNode("a2", "a", 8), MakeNode("a3", "a", 8),
                      MakeNode("b1", "b", 8), MakeNode("b2", "b", 8)};
  }
  ClusterView cluster_;
};

TEST_F(NodeOrderTest, PackTakesTheSmallestRackThatSuffices) {
  EXPECT_THAT(Names(OrderByPreference(MakeWish(v1::PLACEMENT_STRATEGY_PACK, 2), cluster_)),
              ElementsAre("b1", "b2", "a1", "a2", "a3"));
  EXPECT_THAT(Names(OrderByPreference(MakeWish(v1::PLACEMENT_STRATEGY_PACK, 3), cluster_)),
              ElementsAre("a1", "a2", "a3", "b1", "b2"));
}

TEST_F(NodeOrderTest, PackPrefersNodesWithLittleToSpare) {
  cluster_.nodes = {MakeNode("n1", "", 8), MakeNode("n2", "", 8, 4), MakeNode("n3", "", 8, 6)};
  EXPECT_THAT(Names(OrderByPreference(MakeWish(v1::PLACEMENT_STRATEGY_PACK, 1), cluster_)),
              ElementsAre("n3", "n2", "n1"));
}

TEST_F(NodeOrderTest, PackStaysBelowOneSwitchWhereItCan) {
  cluster_.nodes[0].labels["switch"] = "s1";
  cluster_.nodes[1].labels["switch"] = "s2";
  cluster_.nodes[2].labels["switch"] = "s2";
  cluster_.nodes[3].labels["switch"] = "s3";
  cluster_.nodes[4].labels["switch"] = "s4";
  EXPECT_THAT(Names(OrderByPreference(MakeWish(v1::PLACEMENT_STRATEGY_PACK, 2), cluster_)),
              ElementsAre("a2", "a3", "a1", "b1", "b2"));
}

TEST_F(NodeOrderTest, SpreadTakesOneOfEachRackInTurn) {
  EXPECT_THAT(Names(OrderByPreference(MakeWish(v1::PLACEMENT_STRATEGY_SPREAD, 4), cluster_)),
              ElementsAre("a1", "b1", "a2", "b2", "a3"));
}

TEST_F(NodeOrderTest, NodesOfThePreviousAttemptComeFirst) {
  v1::Placement previous;
  previous.add_nodes()->set_node_id("id-b2");
  previous.add_nodes()->set_node_id("id-a3");
  NodeWish wish = MakeWish(v1::PLACEMENT_STRATEGY_PACK, 2);
  wish.previous = &previous;
  EXPECT_THAT(Names(OrderByPreference(wish, cluster_)), ElementsAre("b2", "a3", "a1", "a2", "b1"));
}

TEST_F(NodeOrderTest, NodesThatDoNotFitComeLast) {
  NodeWish wish = MakeWish(v1::PLACEMENT_STRATEGY_PACK, 2);
  wish.fits = [](const NodeView& node) { return node.name != "b1"; };
  EXPECT_THAT(Names(OrderByPreference(wish, cluster_)), ElementsAre("a1", "a2", "a3", "b2", "b1"));
}

TEST_F(NodeOrderTest, NeighboursInRankAreNear) {
  const std::vector<const NodeView*> chosen = {&cluster_.nodes[4], &cluster_.nodes[0],
                                               &cluster_.nodes[3], &cluster_.nodes[1]};
  EXPECT_THAT(Names(OrderByPlace(chosen, nullptr)), ElementsAre("a1", "a2", "b1", "b2"));
}

TEST_F(NodeOrderTest, WhoStaysKeepsItsNodeRank) {
  v1::Placement previous;
  previous.add_nodes()->set_node_id("id-gone");
  previous.add_nodes()->set_node_id("id-b1");
  previous.add_nodes()->set_node_id("id-a1");
  const std::vector<const NodeView*> chosen = {&cluster_.nodes[0], &cluster_.nodes[3],
                                               &cluster_.nodes[2]};
  EXPECT_THAT(Names(OrderByPlace(chosen, &previous)), ElementsAre("a3", "b1", "a1"));
}

TEST_F(NodeOrderTest, ASmallerGangClosesItsRanksUp) {
  v1::Placement previous;
  for (const char* id : {"id-a1", "id-a2", "id-a3", "id-b1"}) previous.add_nodes()->set_node_id(id);
  const std::vector<const NodeView*> without_a2 = {&cluster_.nodes[3], &cluster_.nodes[0],
                                                   &cluster_.nodes[2]};
  EXPECT_THAT(Names(OrderByPlace(without_a2, &previous)), ElementsAre("a1", "a3", "b1"));
  // A newcomer takes what is left, and nobody passes anybody.
  const std::vector<const NodeView*> with_b2 = {&cluster_.nodes[4], &cluster_.nodes[3],
                                                &cluster_.nodes[0]};
  EXPECT_THAT(Names(OrderByPlace(with_b2, &previous)), ElementsAre("a1", "b2", "b1"));
}

}  // namespace
}  // namespace muster
