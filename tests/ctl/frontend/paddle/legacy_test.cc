// Typed from paddle.md, section 2.4, and the document's examples 5 to 8 (section 7).
#include "ctl/frontend/paddle/legacy.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/ctl/frontend/paddle/pod_rig.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Env = std::map<std::string, std::string>;

absl::StatusOr<PodPlan> Plan(const std::vector<std::string>& words,
                             const std::vector<std::string>& gpus = {}, const Env& env = {}) {
  PortCursor ports = TestPorts();
  return PlanLegacyPod(TestPodSettings(words, gpus), env, &ports);
}

std::vector<std::string> Values(const PodPlan& plan, const std::string& name) {
  std::vector<std::string> values;
  for (const PodProcess& process : plan.processes) {
    const auto found = process.spec.env.find(name);
    values.push_back(found == process.spec.env.end() ? "-" : found->second);
  }
  return values;
}

std::vector<std::string> Logs(const PodPlan& plan) {
  std::vector<std::string> logs;
  for (const PodProcess& process : plan.processes) logs.push_back(process.spec.out_path);
  return logs;
}

TEST(LegacyTest, ExampleFiveGivesEachTrainerItsGpu) {
  const auto plan = Plan({"--server_num=2", "--worker_num=4", "a.py"}, {"0", "1", "2", "3"});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(Values(*plan, "TRAINING_ROLE"),
              ElementsAre("PSERVER", "PSERVER", "TRAINER", "TRAINER", "TRAINER", "TRAINER"));
  EXPECT_THAT(Values(*plan, "CUDA_VISIBLE_DEVICES"), ElementsAre("-", "-", "0", "1", "2", "3"));
  EXPECT_THAT(Values(*plan, "FLAGS_selected_gpus"), ElementsAre("-", "-", "0", "0", "0", "0"));
  EXPECT_THAT(Values(*plan, "PADDLE_ROLE"), ElementsAre("-", "-", "-", "-", "-", "-"));
  EXPECT_THAT(Values(*plan, "POD_NAME"), ElementsAre("-", "-", "-", "-", "-", "-"));
  EXPECT_EQ(Values(*plan, "PADDLE_WITH_GLOO")[0], "0");
  EXPECT_FALSE(plan->processes[0].awaited);
  EXPECT_TRUE(plan->processes[2].awaited);
  EXPECT_FALSE(plan->processes[0].spec.append);
}

TEST(LegacyTest, ExampleSixTakesThisHostsPart) {
  const auto plan =
      Plan({"--servers=10.0.0.1:6170,10.0.0.2:6170",
            "--workers=10.0.0.1:6171,10.0.0.1:6172,10.0.0.2:6171,10.0.0.2:6172", "a.py"},
           {"0", "1"});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(Values(*plan, "PADDLE_TRAINER_ID"), ElementsAre("-", "0", "1"));
  EXPECT_THAT(Values(*plan, "CUDA_VISIBLE_DEVICES"), ElementsAre("-", "0", "1"));
  EXPECT_THAT(Logs(*plan), ElementsAre("/work/log/serverlog.0", "/work/log/workerlog.0",
                                       "/work/log/workerlog.1"));
}

TEST(LegacyTest, ExampleSevenHasTwoStages) {
  const auto plan =
      Plan({"--server_num=2", "--worker_num=2", "--heter_worker_num=2", "a.py"}, {"0", "1"});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(
      Values(*plan, "TRAINING_ROLE"),
      ElementsAre("PSERVER", "PSERVER", "TRAINER", "TRAINER", "HETER_TRAINER", "HETER_TRAINER"));
  EXPECT_THAT(Values(*plan, "STAGE_ID"), ElementsAre("-", "-", "1", "1", "2", "2"));
  EXPECT_THAT(Values(*plan, "HETER_DEVICE_TYPE"),
              ElementsAre("-", "-", "cpu", "cpu", "gpu", "gpu"));
  EXPECT_EQ(Values(*plan, "PADDLE_STAGE_TRAINERS_NUM")[4], "[2, 2]");
  EXPECT_EQ(Values(*plan, "PADDLE_NEXT_HETER_TRAINER_IP_PORT_LIST")[2],
            "127.0.0.1:40004,127.0.0.1:40005");
  EXPECT_EQ(plan->processes[5].spec.out_path, "/work/log/heterlog.1");
}

TEST(LegacyTest, ExampleEightHasOneOfEachHere) {
  const auto plan =
      Plan({"--servers=10.0.0.1:6170,10.0.0.2:6170", "--workers=10.0.0.1:6171,10.0.0.2:6171",
            "--heter_workers=10.0.0.1:6172,10.0.0.2:6172", "a.py"},
           {"0"});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(Values(*plan, "TRAINING_ROLE"), ElementsAre("PSERVER", "TRAINER", "HETER_TRAINER"));
}

TEST(LegacyTest, TakesPortsInSequenceFromAFixedOne) {
  const auto plan =
      Plan({"--server_num=1", "--worker_num=2", "a.py"}, {}, {{"FLAGS_START_PORT", "7000"}});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(Values(*plan, "PADDLE_PSERVERS_IP_PORT_LIST")[0], "127.0.0.1:7000");
  EXPECT_EQ(Values(*plan, "PADDLE_TRAINER_ENDPOINTS")[0], "127.0.0.1:7001,127.0.0.1:7002");
  EXPECT_EQ(Values(*plan, "PADDLE_GLOO_HTTP_ENDPOINT")[0], "127.0.0.1:7003");
}

TEST(LegacyTest, FillsInPortsOfWorkersGivenWithout) {
  const auto plan = Plan({"--servers=10.0.0.1:6170", "--workers=10.0.0.1,10.0.0.1", "a.py"});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(Values(*plan, "PADDLE_TRAINER_ENDPOINTS")[0], "10.0.0.1:6171,10.0.0.1:6172");
}

TEST(LegacyTest, RunsCollectiveJobsToo) {
  const auto plan = Plan({"--legacy=true", "--nproc_per_node=2", "a.py"}, {"4", "5", "6", "7"});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(Values(*plan, "PADDLE_TRAINER_ID"), ElementsAre("0", "1"));
  EXPECT_THAT(Values(*plan, "PADDLE_LOCAL_DEVICE_IDS"), ElementsAre("4,5", "6,7"));
  EXPECT_THAT(Values(*plan, "PADDLE_WORLD_DEVICE_IDS"), ElementsAre("4:5,6:7", "4:5,6:7"));
  EXPECT_THAT(Values(*plan, "FLAGS_selected_gpus"), ElementsAre("0,1", "2,3"));
  EXPECT_THAT(Values(*plan, "PADDLE_DISTRI_BACKEND"), ElementsAre("nccl", "nccl"));
}

TEST(LegacyTest, RefusesWhatDoesNotFit) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"--worker_num=2", "a.py"}, "server_num or servers"},
      {{"--server_num=2", "--servers=10.0.0.1:1", "--worker_num=1", "a.py"}, "--server_num=2"},
      {{"--servers=10.0.0.8:1", "--workers=10.0.0.9:1", "a.py"}, "10.0.0.1"},
      {{"--ips=10.0.0.1", "--worker_num=1", "a.py"}, "Only one mode"},
      {{"--server_num=1", "--worker_num=1", "--heter_worker_num=1;1", "--heter_devices=gpu",
        "a.py"},
       "2 stages"},
  };
  for (const auto& [words, text] : cases) {
    const auto plan = Plan(words);
    EXPECT_TRUE(absl::IsInvalidArgument(plan.status())) << text;
    EXPECT_THAT(std::string(plan.status().message()), HasSubstr(text));
  }
}

}  // namespace
}  // namespace muster
