// Typed from paddle.md, section 2.3.
#include "ctl/frontend/paddle/parameter_server.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/ctl/frontend/paddle/pod_rig.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

PaddleNode PsNode(int index, int gloo_port) {
  const std::string ip = "10.0.0." + std::to_string(index + 1);
  PaddleNode node;
  node.name = "node" + std::to_string(index);
  node.servers = {ip + ":100"};
  node.trainers = {ip + ":200", ip + ":201"};
  node.gloo_port = gloo_port;
  return node;
}

std::string Value(const PodProcess& process, const std::string& name) {
  const auto found = process.spec.env.find(name);
  return found == process.spec.env.end() ? "-" : found->second;
}

TEST(PlanParameterServerTest, StartsServersThenTrainers) {
  const PodPlan plan =
      PlanParameterServer(TestPodSettings({"--trainer_num=2", "a.py"}),
                          {{PsNode(0, 900), PsNode(1, 901)}, /*own=*/1}, /*num_nodes=*/2);
  ASSERT_EQ(plan.processes.size(), 3u);
  for (const PodProcess& process : plan.processes) {
    EXPECT_EQ(Value(process, "PADDLE_PSERVERS_IP_PORT_LIST"), "10.0.0.1:100,10.0.0.2:100");
    EXPECT_EQ(Value(process, "PADDLE_TRAINER_ENDPOINTS"),
              "10.0.0.1:200,10.0.0.1:201,10.0.0.2:200,10.0.0.2:201");
    EXPECT_EQ(Value(process, "PADDLE_TRAINERS_NUM"), "4");
    EXPECT_EQ(Value(process, "POD_IP"), "10.0.0.2");
    EXPECT_EQ(Value(process, "PADDLE_NNODES"), "2");
    EXPECT_EQ(Value(process, "PADDLE_GLOO_RENDEZVOUS"), "3");
    EXPECT_EQ(Value(process, "PADDLE_GLOO_FS_PATH"), "/tmp/gloo");
    EXPECT_EQ(Value(process, "PADDLE_GLOO_HTTP_ENDPOINT"), "10.0.0.1:900");
    EXPECT_EQ(Value(process, "PADDLE_WITH_GLOO"), "1");
    EXPECT_EQ(Value(process, "PADDLE_MASTER"), "-");
    EXPECT_EQ(Value(process, "FLAGS_selected_gpus"), "-");
    EXPECT_TRUE(process.awaited);
  }
  const PodProcess& server = plan.processes[0];
  EXPECT_EQ(Value(server, "PADDLE_ROLE"), "PSERVER");
  EXPECT_EQ(Value(server, "TRAINING_ROLE"), "PSERVER");
  EXPECT_EQ(Value(server, "PADDLE_PORT"), "100");
  EXPECT_EQ(Value(server, "PADDLE_TRAINER_ID"), "-");
  EXPECT_EQ(server.spec.out_path, "/work/log/serverlog.0");
  const PodProcess& trainer = plan.processes[2];
  EXPECT_EQ(Value(trainer, "PADDLE_ROLE"), "TRAINER");
  EXPECT_EQ(Value(trainer, "PADDLE_TRAINER_ID"), "3");
  EXPECT_EQ(Value(trainer, "PADDLE_PORT"), "201");
  EXPECT_EQ(trainer.spec.out_path, "/work/log/workerlog.1");
}

TEST(PlanParameterServerByEndpointsTest, TakesItsOwnEndpoints) {
  const auto plan = PlanParameterServerByEndpoints(
      TestPodSettings({"--servers=10.0.0.2:100,10.0.0.1:100",
                       "--trainers=10.0.0.2:200,10.0.0.1:200,10.0.0.1:201", "a.py"}));
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->processes.size(), 3u);
  EXPECT_EQ(Value(plan->processes[0], "PADDLE_PORT"), "100");
  EXPECT_EQ(Value(plan->processes[1], "PADDLE_TRAINER_ID"), "1");
  EXPECT_EQ(Value(plan->processes[2], "PADDLE_TRAINER_ID"), "2");
  EXPECT_EQ(Value(plan->processes[0], "PADDLE_NNODES"), "-");
  EXPECT_EQ(Value(plan->processes[0], "PADDLE_GLOO_HTTP_ENDPOINT"), "10.0.0.2:6767");
}

TEST(PlanParameterServerByEndpointsTest, DoesNotTakeAnAddressThatOnlyBeginsTheSame) {
  const auto plan = PlanParameterServerByEndpoints(TestPodSettings(
      {"--servers=10.0.0.10:100", "--trainers=10.0.0.1:200,10.0.0.10:200", "a.py"}));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->processes.size(), 1u);
}

TEST(PlanParameterServerByEndpointsTest, FillsInPorts) {  // 2.4: 6170 + servers + position.
  EXPECT_THAT(WithPorts({"a", "b:9", "c"}, 6172), ElementsAre("a:6172", "b:9", "c:6174"));
}

TEST(PlanParameterServerByEndpointsTest, RefusesAHostInNeitherList) {
  const auto plan = PlanParameterServerByEndpoints(
      TestPodSettings({"--servers=10.9.9.1:1", "--trainers=10.9.9.1:2", "a.py"}));
  EXPECT_TRUE(absl::IsInvalidArgument(plan.status()));
  EXPECT_THAT(std::string(plan.status().message()), HasSubstr("No container in the pod"));
}

}  // namespace
}  // namespace muster
