// Typed from paddle.md, sections 2.1 and 2.5.
#include "ctl/frontend/paddle/collective.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/ctl/frontend/paddle/pod_rig.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Values(const PodPlan& plan, const std::string& name) {
  std::vector<std::string> values;
  for (const PodProcess& process : plan.processes) {
    const auto found = process.spec.env.find(name);
    values.push_back(found == process.spec.env.end() ? "-" : found->second);
  }
  return values;
}

PaddleNodes TwoNodes(int own) { return {{TestNode(0, 1), TestNode(1, 2)}, own}; }

TEST(PlanCollectiveTest, GivesEveryTrainerItsPlace) {
  const auto plan = PlanCollective(TestPodSettings({"--nproc_per_node=2", "train.py"}), TwoNodes(1),
                                   /*num_nodes=*/2);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(Values(*plan, "PADDLE_MASTER"), ElementsAre("10.0.0.1:700", "10.0.0.1:700"));
  EXPECT_THAT(Values(*plan, "PADDLE_GLOBAL_SIZE"), ElementsAre("3", "3"));
  EXPECT_THAT(Values(*plan, "PADDLE_TRAINERS_NUM"), ElementsAre("3", "3"));
  EXPECT_THAT(Values(*plan, "PADDLE_LOCAL_SIZE"), ElementsAre("2", "2"));
  EXPECT_THAT(Values(*plan, "PADDLE_GLOBAL_RANK"), ElementsAre("1", "2"));
  EXPECT_THAT(Values(*plan, "PADDLE_TRAINER_ID"), ElementsAre("1", "2"));
  EXPECT_THAT(Values(*plan, "PADDLE_LOCAL_RANK"), ElementsAre("0", "1"));
  EXPECT_THAT(Values(*plan, "PADDLE_RANK_IN_NODE"), ElementsAre("0", "1"));
  EXPECT_THAT(Values(*plan, "PADDLE_NNODES"), ElementsAre("2", "2"));
  EXPECT_THAT(Values(*plan, "PADDLE_TRAINER_ENDPOINTS"),
              ElementsAre("10.0.0.1:701,10.0.0.2:701,10.0.0.2:702",
                          "10.0.0.1:701,10.0.0.2:701,10.0.0.2:702"));
  EXPECT_THAT(Values(*plan, "PADDLE_CURRENT_ENDPOINT"),
              ElementsAre("10.0.0.2:701", "10.0.0.2:702"));
  EXPECT_THAT(Values(*plan, "PADDLE_DISTRI_BACKEND"), ElementsAre("gloo", "gloo"));
  EXPECT_THAT(Values(*plan, "PADDLE_AUTO_CLUSTER"), ElementsAre("0", "0"));
  EXPECT_EQ(plan->processes[1].spec.out_path, "/work/log/workerlog.1");
}

// What FLAGS_selected_gpus says to each process of `words` where `gpus` are visible.
std::vector<std::string> Selected(const std::vector<std::string>& words,
                                  const std::vector<std::string>& gpus) {
  const PodSettings settings = TestPodSettings(words, gpus);
  const int replicas = PaddleReplicas(settings.flags, settings.devices);
  const auto plan = PlanCollective(settings, {{TestNode(0, replicas)}, 0}, 1);
  EXPECT_TRUE(plan.ok()) << plan.status();
  return plan.ok() ? Values(*plan, "FLAGS_selected_gpus") : std::vector<std::string>();
}

TEST(PlanCollectiveTest, TellsDevicesByTheirPositionInTheVisibleList) {
  EXPECT_THAT(Selected({"a.py"}, {"4", "5"}), ElementsAre("0", "1"));
  EXPECT_THAT(Selected({"--devices=5", "a.py"}, {"4", "5"}), ElementsAre("1"));
  EXPECT_THAT(Selected({"--devices=1,7", "a.py"}, {"7", "3", "1"}), ElementsAre("2", "0"));
  EXPECT_THAT(Selected({"--devices=0,1", "--nproc_per_node=1", "a.py"}, {"0", "1"}),
              ElementsAre("0,1"));
  EXPECT_THAT(Selected({"--nproc_per_node=2", "a.py"}, {"0", "1", "2", "3"}),
              ElementsAre("0", "1"));
  EXPECT_THAT(Selected({"a.py"}, {""}), ElementsAre("0"));  // CUDA_VISIBLE_DEVICES="".
}

TEST(PlanCollectiveTest, RefusesDevicesThatAreNotThere) {
  const auto plan = PlanCollective(TestPodSettings({"--devices=9", "a.py"}, {"0", "1"}),
                                   {{TestNode(0, 1)}, 0}, 1);
  EXPECT_TRUE(absl::IsInvalidArgument(plan.status()));
  EXPECT_THAT(std::string(plan.status().message()), HasSubstr("Device not found 9"));
}

TEST(PlanCollectiveTest, RefusesMoreProcessesThanDevices) {
  const auto plan =
      PlanCollective(TestPodSettings({"--devices=0,1", "--nproc_per_node=4", "a.py"}, {"0", "1"}),
                     {{TestNode(0, 4)}, 0}, 1);
  EXPECT_TRUE(absl::IsInvalidArgument(plan.status()));
  EXPECT_THAT(std::string(plan.status().message()), HasSubstr("--nproc_per_node=4"));
}

TEST(PlanCollectiveTest, NamesACustomDevicesBackend) {
  PodSettings settings = TestPodSettings({"a.py"}, {"0"});
  settings.devices = {"custom_device", {"0", "1"}, "npu"};
  const auto plan = PlanCollective(settings, {{TestNode(0, 2)}, 0}, 1);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(Values(*plan, "FLAGS_selected_npus"), ElementsAre("0", "1"));
  EXPECT_THAT(Values(*plan, "PADDLE_DISTRI_BACKEND"), ElementsAre("xccl", "xccl"));
  EXPECT_THAT(Values(*plan, "PADDLE_XCCL_BACKEND"), ElementsAre("npu", "npu"));
}

TEST(PlanCollectiveByIpsTest, KnowsAllEndpointsFromTheList) {
  PodSettings settings = TestPodSettings({"--ips=10.0.0.2,10.0.0.1", "--nproc_per_node=2", "a.py"});
  const auto plan = PlanCollectiveByIps(settings);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(Values(*plan, "PADDLE_TRAINER_ENDPOINTS")[0],
              "10.0.0.2:6070,10.0.0.2:6071,10.0.0.1:6070,10.0.0.1:6071");
  EXPECT_THAT(Values(*plan, "PADDLE_TRAINER_ID"), ElementsAre("2", "3"));
  EXPECT_THAT(Values(*plan, "PADDLE_NNODES"), ElementsAre("2", "2"));
  EXPECT_THAT(Values(*plan, "PADDLE_MASTER"), ElementsAre("10.0.0.2:6070", "10.0.0.2:6070"));
}

TEST(PlanCollectiveByIpsTest, RefusesPortsThatAreNone) {
  const auto plan = PlanCollectiveByIps(
      TestPodSettings({"--ips=10.0.0.1", "--start_port=65535", "--nproc_per_node=2", "a.py"}));
  EXPECT_TRUE(absl::IsInvalidArgument(plan.status())) << plan.status();
}

TEST(PlanCollectiveByIpsTest, RefusesAHostThatIsNotListed) {
  const auto plan = PlanCollectiveByIps(TestPodSettings({"--ips=10.0.0.8,10.0.0.9", "a.py"}));
  EXPECT_TRUE(absl::IsInvalidArgument(plan.status()));
  EXPECT_THAT(std::string(plan.status().message()), HasSubstr("10.0.0.1"));
}

TEST(PlanRpcTest, NamesMasterAndWorkers) {
  const auto plan = PlanRpc(TestPodSettings({"--run_mode=rpc", "a.py"}), TwoNodes(1));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(Values(*plan, "PADDLE_MASTER_ENDPOINT"), ElementsAre("10.0.0.1:700", "10.0.0.1:700"));
  EXPECT_THAT(Values(*plan, "PADDLE_WORKER_ENDPOINT"), ElementsAre("10.0.0.2:701", "10.0.0.2:702"));
  EXPECT_THAT(Values(*plan, "PADDLE_TRAINER_ID"), ElementsAre("1", "2"));
  EXPECT_THAT(Values(*plan, "PADDLE_TRAINERS_NUM"), ElementsAre("3", "3"));
  EXPECT_THAT(Values(*plan, "PADDLE_MASTER"), ElementsAre("-", "-"));
  EXPECT_EQ(plan->processes[0].spec.out_path, "/work/log/workerlog.1");  // By the global rank.
}

}  // namespace
}  // namespace muster
