#include "launch/paddle_env.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace muster {
namespace {

using Env = std::map<std::string, std::string>;

PaddleTrainer OneTrainer() {
  PaddleTrainer trainer;
  trainer.endpoints = {"10.0.0.1:6170"};
  trainer.local_size = 1;
  trainer.num_nodes = 1;
  return trainer;
}

TEST(PaddleTrainerEnvTest, WithoutDevicesTheBackendIsGloo) {
  const Env env = PaddleTrainerEnv(OneTrainer());
  EXPECT_EQ(env.at("PADDLE_DISTRI_BACKEND"), "gloo");
  EXPECT_EQ(env.count("PADDLE_MASTER"), 0u);
}

TEST(PaddleTrainerEnvTest, ADeviceOfAPlugInNamesIts) {
  PaddleTrainer trainer = OneTrainer();
  trainer.device_flag = "npus";
  trainer.devices = "0,1";
  trainer.xccl_backend = "npu";
  const Env env = PaddleTrainerEnv(trainer);
  EXPECT_EQ(env.at("FLAGS_selected_npus"), "0,1");
  EXPECT_EQ(env.at("PADDLE_DISTRI_BACKEND"), "xccl");
  EXPECT_EQ(env.at("PADDLE_XCCL_BACKEND"), "npu");
}

TEST(PaddleTrainerEnvTest, AnOlderLineIsToldNothingOfAutoCluster) {
  PaddleTrainer trainer = OneTrainer();
  trainer.auto_cluster = false;
  EXPECT_EQ(PaddleTrainerEnv(trainer).count("PADDLE_AUTO_CLUSTER"), 0u);
}

TEST(PaddlePsEnvTest, AJobGivenByEndpointsDoesNotSayHowManyHostsItHas) {
  PaddlePsProcess process;
  process.servers = {"10.0.0.1:6170"};
  process.trainers = {"10.0.0.1:6171"};
  process.endpoint = "10.0.0.1:6171";
  EXPECT_EQ(PaddlePsEnv(process).count("PADDLE_NNODES"), 0u);
  process.num_nodes = 2;
  EXPECT_EQ(PaddlePsEnv(process).at("PADDLE_NNODES"), "2");
}

TEST(PaddlePsEnvTest, ALegacyTrainerWithoutDevicesSeesTheFirst) {
  PaddlePsProcess process;
  process.trainers = {"10.0.0.1:6171"};
  process.endpoint = "10.0.0.1:6171";
  process.legacy = true;
  EXPECT_EQ(PaddlePsEnv(process).at("CUDA_VISIBLE_DEVICES"), "0");
  process.role = PaddlePsRole::kServer;
  EXPECT_EQ(PaddlePsEnv(process).count("CUDA_VISIBLE_DEVICES"), 0u);
}

TEST(PaddleBackupEnvTest, IsSortedJson) {
  EXPECT_EQ(PaddleBackupEnv({{"B", "a \"quoted\" \\ \n"}, {"A", "1"}}),
            "{\n    \"A\": \"1\",\n    \"B\": \"a \\\"quoted\\\" \\\\ \\u000a\"\n}");
}

TEST(MoveLargeEndpointListsTest, AShortListStaysWhereItIs) {
  Env env = {{"PADDLE_TRAINER_ENDPOINTS", std::string(kPaddleEnvLimit - 1, 'x')}};
  EXPECT_EQ(MoveLargeEndpointLists(&env), "");
  EXPECT_EQ(env.size(), 1u);
}

TEST(MoveLargeEndpointListsTest, ALongListIsOnlyInTheFile) {
  const std::string list(kPaddleEnvLimit, 'x');
  Env env = {{"PADDLE_TRAINER_ENDPOINTS", list}, {"PADDLE_TRAINER_ID", "7"}};
  EXPECT_EQ(MoveLargeEndpointLists(&env), "{\n    \"PADDLE_TRAINER_ENDPOINTS\": \"" + list +
                                              "\",\n    \"PADDLE_TRAINER_ID\": \"7\"\n}");
  EXPECT_EQ(env, (Env{{"PADDLE_TRAINER_ID", "7"}}));
}

TEST(MoveLargeEndpointListsTest, OtherListsGoOnlyWhereLinuxRefusesThem) {
  const std::string name = "PADDLE_PSERVERS_IP_PORT_LIST";
  const size_t most = (128 << 10) - name.size() - 2;
  Env fits = {{name, std::string(most, 'x')}, {"PADDLE_OTHER", std::string(200000, 'x')}};
  EXPECT_EQ(MoveLargeEndpointLists(&fits), "");
  Env large = {{name, std::string(most + 1, 'x')}};
  EXPECT_NE(MoveLargeEndpointLists(&large), "");
  EXPECT_TRUE(large.empty());
}

}  // namespace
}  // namespace muster
