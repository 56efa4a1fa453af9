// Typed from paddle.md, section 2.1: what a node writes, and the order of ranks.
#include "ctl/frontend/paddle/node_info.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/ctl/frontend/paddle/pod_rig.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Names(const PaddleNodes& nodes) {
  std::vector<std::string> names;
  for (const PaddleNode& node : nodes.nodes) names.push_back(node.name);
  return names;
}

TEST(PaddleNodeTest, WritesWhatTheOriginalWrites) {
  EXPECT_EQ(TestNode(0, 2).ToJson(),
            "{\"name\": \"node0\", \"rank\": -1, \"replicas\": 2, \"dtype\": \"cpu\", "
            "\"candidate\": \"10.0.0.1:700\", \"endpoints\": \"10.0.0.1:701,10.0.0.1:702\"}");
  EXPECT_THAT(TestNode(0, 1).ToPython(), HasSubstr("{'name': 'node0', 'rank': -1, "));
  PaddleNode ps;
  ps.name = "a";
  ps.servers = {"h:1"};
  ps.trainers = {"h:2", "h:3"};
  ps.gloo_port = 4;
  EXPECT_EQ(ps.ToJson(),
            "{\"name\": \"a\", \"rank\": -1, \"servers\": [\"h:1\"], \"trainers\": [\"h:2\", "
            "\"h:3\"], \"dtype\": \"cpu\", \"gloo_port\": 4}");
}

TEST(PaddleNodeTest, ReadsWhatItWrites) {
  const auto node = ParsePaddleNode(TestNode(1, 3).ToJson());
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_EQ(node->ToJson(), TestNode(1, 3).ToJson());
}

TEST(PaddleNodeTest, ReadsListsAndTextAlike) {
  const auto node = ParsePaddleNode(
      "{\"name\": \"a\", \"rank\": \"1\", \"replicas\": \"2\", \"candidate\": \"h:1\", "
      "\"endpoints\": [\"h:2\", \"h:3\"]}");
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_EQ(node->rank, 1);
  EXPECT_THAT(node->endpoints, ElementsAre("h:2", "h:3"));
}

TEST(PaddleNodeTest, RefusesRubbish) {
  EXPECT_TRUE(absl::IsInvalidArgument(ParsePaddleNode("[").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      ParsePaddleNode("{\"candidate\": \"h:1\", \"replicas\": 3, \"endpoints\": \"h:2\"}")
          .status()));
}

TEST(OrderPaddleNodesTest, TheServingNodeIsFirstAndOthersByName) {
  const auto nodes = OrderPaddleNodes({{"/j/info/zzz/-1", TestNode(0, 1).ToJson()},
                                       {"/j/info/bbb/-1", TestNode(1, 1).ToJson()},
                                       {"/j/info/aaaaaa/-1", TestNode(2, 1).ToJson()}},
                                      TestNode(1, 1), /*sort_ip=*/false);
  ASSERT_TRUE(nodes.ok()) << nodes.status();
  EXPECT_THAT(Names(*nodes), ElementsAre("node2", "node1", "node0"));
  EXPECT_EQ(nodes->own, 1);
}

TEST(OrderPaddleNodesTest, ExplicitRanksDecide) {
  PaddleNode own = TestNode(0, 1);
  own.rank = 1;
  const auto nodes = OrderPaddleNodes(
      {{"/j/info/a/1", own.ToJson()}, {"/j/info/b/0", TestNode(1, 1).ToJson()}}, own, false);
  ASSERT_TRUE(nodes.ok()) << nodes.status();
  EXPECT_THAT(Names(*nodes), ElementsAre("node1", "node0"));
}

TEST(OrderPaddleNodesTest, SortsAddressesAsNumbers) {
  const auto nodes = OrderPaddleNodes(
      {{"/j/info/a/-1", TestNode(9, 1).ToJson()}, {"/j/info/b/-1", TestNode(1, 1).ToJson()}},
      TestNode(9, 1), /*sort_ip=*/true);
  ASSERT_TRUE(nodes.ok()) << nodes.status();
  EXPECT_THAT(Names(*nodes), ElementsAre("node1", "node9"));  // 10.0.0.2 before 10.0.0.10.
}

TEST(OrderPaddleNodesTest, SaysWhichRankIsTakenTwice) {
  PaddleNode own = TestNode(0, 1);
  own.rank = 0;
  const auto nodes = OrderPaddleNodes(
      {{"/j/info/a/0", own.ToJson()}, {"/j/info/b/0", TestNode(1, 1).ToJson()}}, own, false);
  EXPECT_TRUE(absl::IsInvalidArgument(nodes.status()));
  EXPECT_THAT(std::string(nodes.status().message()),
              HasSubstr("--rank 0 is taken by two nodes, 10.0.0.1 and 10.0.0.2"));
}

TEST(OrderPaddleNodesTest, SaysThatNodesRunDifferentKindsOfJobs) {
  PaddleNode ps;
  ps.name = "ps";
  ps.servers = {"10.0.0.2:1"};
  const auto nodes =
      OrderPaddleNodes({{"/j/info/a/-1", TestNode(0, 1).ToJson()}, {"/j/info/b/-1", ps.ToJson()}},
                       TestNode(0, 1), false);
  EXPECT_THAT(std::string(nodes.status().message()), HasSubstr("parameter-server"));
}

}  // namespace
}  // namespace muster
