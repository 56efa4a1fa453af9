// Typed from paddle.md, section 1 (controller order) and 2 (ports).
#include "ctl/frontend/paddle/job_mode.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/ctl/frontend/paddle/pod_rig.h"

namespace muster {
namespace {

using ::testing::ElementsAre;

PaddleMode Mode(const std::vector<std::string>& words) {
  return ChoosePaddleMode(TestPodSettings(words).flags);
}

TEST(ChoosePaddleModeTest, FollowsTheControllersOrder) {
  EXPECT_EQ(Mode({"a.py"}), PaddleMode::kCollective);
  EXPECT_EQ(Mode({"--server_num=1", "ipu"}), PaddleMode::kIpu);
  EXPECT_EQ(Mode({"--master=etcd://h:1", "--server_num=1", "a.py"}), PaddleMode::kElastic);
  for (const char* flag :
       {"--run_mode=ps", "--server_num=1", "--trainer_num=1", "--servers=h:1", "--trainers=h:1"}) {
    EXPECT_EQ(Mode({flag, "--run_mode=rpc", "a.py"}) == PaddleMode::kRpc,
              std::string(flag) == "--run_mode=ps")
        << flag;
  }
  EXPECT_EQ(Mode({"--run_mode=ps", "a.py"}), PaddleMode::kParameterServer);
  EXPECT_EQ(Mode({"--server_num=0", "a.py"}), PaddleMode::kCollective);  // 0 is no number.
  EXPECT_EQ(Mode({"--run_mode=rpc", "a.py"}), PaddleMode::kRpc);
}

TEST(OfferPaddleNodeTest, TakesTheCandidatesPortFirst) {
  PortCursor ports = TestPorts();
  const auto node = OfferPaddleNode(TestPodSettings({"--nproc_per_node=2", "a.py"}),
                                    PaddleMode::kCollective, &ports);
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_EQ(node->candidate, "10.0.0.1:40000");
  EXPECT_THAT(node->endpoints, ElementsAre("10.0.0.1:40001", "10.0.0.1:40002"));
}

TEST(OfferPaddleNodeTest, TakesFixedPortsFromTheRankOn) {
  PortCursor ports = TestPorts();
  const std::map<std::string, std::string> env = {{"FLAGS_FIXED_PORT", "9000"}};
  const auto node = OfferPaddleNode(
      TestPodSettings({"--nproc_per_node=2", "--nnodes=2", "--rank=1", "a.py"}, {}, env),
      PaddleMode::kCollective, &ports);
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_THAT(node->endpoints, ElementsAre("10.0.0.1:9001", "10.0.0.1:9002"));
}

TEST(OfferPaddleNodeTest, StartsOneOfEachRoleUnlessToldOtherwise) {
  PortCursor ports = TestPorts();
  const auto node = OfferPaddleNode(TestPodSettings({"--server_num=0", "--trainer_num=2", "a.py"}),
                                    PaddleMode::kParameterServer, &ports);
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_THAT(node->servers, ElementsAre("10.0.0.1:40000"));
  EXPECT_THAT(node->trainers, ElementsAre("10.0.0.1:40001", "10.0.0.1:40002"));
  EXPECT_EQ(node->gloo_port, 40003);
}

}  // namespace
}  // namespace muster
