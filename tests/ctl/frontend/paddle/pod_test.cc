// Typed from paddle.md, sections 1 (command) and 2 (environment of each process).
#include "ctl/frontend/paddle/pod.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/ctl/frontend/paddle/pod_rig.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

using Env = std::map<std::string, std::string>;

TEST(PaddlePodTest, RunsPythonUnbuffered) {
  EXPECT_THAT(PaddleCommand(TestPodSettings({"train.py", "--a", "b c"})),
              ElementsAre("/usr/bin/python3", "-u", "train.py", "--a", "b c"));
  EXPECT_THAT(PaddleCommand(TestPodSettings({"train.pyxes"})),
              ElementsAre("/usr/bin/python3", "train.pyxes"));
  EXPECT_THAT(PaddleCommand(TestPodSettings({"./train", "x"})), ElementsAre("./train", "x"));
}

TEST(PaddlePodTest, HandsOnItsEnvironmentWithoutProxiesAndLeftovers) {
  std::vector<std::string> cleared;
  const Env env = PaddleChildEnv({{"http_proxy", "x"},
                                  {"https_proxy", "x"},
                                  {"HTTP_PROXY", "kept"},
                                  {"PADDLE_MASTER", "10.0.0.1:1"},  // An input.
                                  {"PADDLE_GLOBAL_RANK", "5"},
                                  {"FLAGS_selected_gpus", "7"},
                                  {"PADDLE_TRAINER_ID", "0"}},
                                 &cleared);
  EXPECT_THAT(env, ElementsAre(Pair("HTTP_PROXY", "kept"), Pair("PADDLE_MASTER", "10.0.0.1:1")));
  EXPECT_THAT(cleared, ElementsAre("FLAGS_selected_gpus", "PADDLE_GLOBAL_RANK"));
}

TEST(PaddlePodTest, GivesEachProcessItsPodAndFiles) {
  const PodProcess process =
      MakePodProcess(TestPodSettings({"train.py"}, {}, {{"A", "1"}, {"B", "2"}}),
                     {{"PADDLE_TRAINER_ID", "3"}, {"B", "role"}}, "workerlog.1", 1);
  EXPECT_THAT(process.spec.env,
              ElementsAre(Pair("A", "1"), Pair("B", "role"),
                          Pair("PADDLE_BACKUP_ENV_PATH", "/work/log/backup_env.3.json"),
                          Pair("PADDLE_LOG_DIR", "/work/log"), Pair("PADDLE_TRAINER_ID", "3"),
                          Pair("POD_NAME", "abcdef")));
  EXPECT_EQ(process.spec.out_path, "/work/log/workerlog.1");
  EXPECT_EQ(process.spec.err_path, process.spec.out_path);
  EXPECT_TRUE(process.spec.append);
  ASSERT_EQ(process.files.size(), 2u);
  EXPECT_EQ(process.files[0].path, "/work/log/backup_env.3.json");
  EXPECT_THAT(process.files[0].text, HasSubstr("\n    \"PADDLE_TRAINER_ID\": \"3\""));
  EXPECT_EQ(process.files[1].path, "/work/log/envlog.1");
  EXPECT_THAT(process.files[1].text, HasSubstr("A=1\nB=role\n"));
}

TEST(PaddlePodTest, BeginsLogsAnewWhenAsked) {
  EXPECT_FALSE(MakePodProcess(TestPodSettings({"--log_overwrite=1", "a.py"}), {}, "workerlog.0", 0)
                   .spec.append);
}

TEST(PaddlePodTest, MovesALongEndpointListIntoTheBackupFile) {  // 5, large jobs
  PodSettings settings = TestPodSettings({"train.py"});
  settings.env_limit = 10;
  const PodProcess process = MakePodProcess(
      settings, {{"PADDLE_TRAINER_ID", "0"}, {"PADDLE_TRAINER_ENDPOINTS", "10.0.0.1:700"}},
      "workerlog.0", 0);
  EXPECT_EQ(process.spec.env.count("PADDLE_TRAINER_ENDPOINTS"), 0u);
  EXPECT_THAT(process.files[0].text, HasSubstr("10.0.0.1:700"));
}

TEST(PaddlePodTest, CountsProcesses) {  // 2
  const auto replicas = [](const PodSettings& settings) {
    return PaddleReplicas(settings.flags, settings.devices);
  };
  EXPECT_EQ(replicas(TestPodSettings({"a.py"})), 1);
  EXPECT_EQ(replicas(TestPodSettings({"a.py"}, {"0", "1", "2"})), 3);
  EXPECT_EQ(replicas(TestPodSettings({"--devices=0,1", "a.py"}, {"0", "1", "2"})), 2);
  EXPECT_EQ(replicas(TestPodSettings({"--devices=0,1", "--nproc_per_node=1", "a.py"}, {"0", "1"})),
            1);
}

}  // namespace
}  // namespace muster
