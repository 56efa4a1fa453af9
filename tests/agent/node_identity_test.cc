#include "agent/node_identity.h"

#include "common/base/fs.h"
#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

TEST(NodeIdentityTest, KeepsTheIdAndCountsTheStarts) {
  TempTree tree;
  const auto first = BeginIncarnation(tree.root());
  const auto second = BeginIncarnation(tree.root());
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(first->id.size(), 32u);
  EXPECT_EQ(second->id, first->id);
  EXPECT_EQ(first->incarnation, 1);
  EXPECT_EQ(second->incarnation, 2);
}

TEST(NodeIdentityTest, DoesNotGuessADamagedIdOrCounter) {
  TempTree tree;
  tree.Write("node_id", "not an id\n");
  EXPECT_EQ(BeginIncarnation(tree.root()).status().code(), absl::StatusCode::kDataLoss);
  TempTree other;
  other.Write("incarnation", "garbage");
  EXPECT_EQ(BeginIncarnation(other.root()).status().code(), absl::StatusCode::kDataLoss);
}

TEST(NodeIdentityTest, DescribesTheNode) {
  AgentOptions options;
  options.name = "node-1";
  options.address = "10.0.0.1";
  options.labels = {{"rack", "r7"}};
  v1::Device device;
  device.set_kind("nvidia");
  const v1::NodeInfo info = DescribeNode(options, {"id", 4}, "unix:/x", {device}, 16);
  EXPECT_EQ(info.id(), "id");
  EXPECT_EQ(info.incarnation(), 4);
  EXPECT_EQ(info.agent_address(), "unix:/x");
  EXPECT_EQ(info.devices(0).kind(), "nvidia");
  EXPECT_EQ(info.labels().at("rack"), "r7");
  EXPECT_EQ(info.cpus(), 16);
  EXPECT_GT(info.memory_bytes(), 0);
  EXPECT_EQ(info.boot_id().size(), 36u);
}

}  // namespace
}  // namespace muster
