// Typed from paddle.md, sections 0, 1 and "Decided".
#include "ctl/frontend/paddle/flags.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Env = std::map<std::string, std::string>;

PaddleCommandLine Read(std::vector<std::string> words, const Env& env = {}) {
  FrontendCall call;
  call.words = std::move(words);
  call.env = env;
  call.program = "paddle-launch";
  return ReadPaddleCommandLine(call);
}

TEST(PaddleFlagsTest, HasTheDefaultsOfThePage) {  // 1
  const PaddleCommandLine line = Read({"train.py", "--lr=0.01"});
  ASSERT_FALSE(line.refusal.has_value()) << *line.refusal;
  const PaddleFlags& flags = line.flags;
  EXPECT_EQ(flags.master, "");
  EXPECT_EQ(flags.rank, -1);
  EXPECT_EQ(flags.log_level, "INFO");
  EXPECT_EQ(flags.max_nodes, 1);
  EXPECT_EQ(flags.log_dir, "log");
  EXPECT_EQ(flags.job_id, "default");
  EXPECT_EQ(flags.start_port, 6070);
  EXPECT_EQ(flags.gloo_port, 6767);
  EXPECT_EQ(flags.with_gloo, "1");
  EXPECT_EQ(flags.max_restart, 3);
  EXPECT_EQ(flags.elastic_level, -1);
  EXPECT_EQ(flags.elastic_timeout, 30);
  EXPECT_FALSE(flags.legacy);
  EXPECT_EQ(flags.script, "train.py");
  EXPECT_THAT(flags.script_args, ElementsAre("--lr=0.01"));
}

TEST(PaddleFlagsTest, TakesAliasesOfDevices) {  // 1
  for (const char* flag : {"--devices", "--gpus", "--npus", "--xpus"}) {
    EXPECT_THAT(Read({flag, "0,2", "train.py"}).flags.devices, ElementsAre("0", "2")) << flag;
  }
}

TEST(PaddleFlagsTest, TheEnvironmentBeatsTheCommandLine) {  // 1
  const PaddleCommandLine line =
      Read({"--host=10.0.0.1", "--max_restart=1", "train.py"},
           {{"POD_IP", "10.0.0.2"}, {"PADDLE_MAX_RESTART", "7"}, {"PADDLE_NNODES", "2:4"}});
  EXPECT_EQ(line.flags.host, "10.0.0.2");
  EXPECT_EQ(line.flags.max_restart, 7);
  EXPECT_EQ(line.flags.min_nodes, 2);
  EXPECT_EQ(line.flags.max_nodes, 4);
  EXPECT_TRUE(line.flags.elastic);
  EXPECT_THAT(line.overrides,
              Contains("LAUNCH WARNING args host will be overridden by env: POD_IP value: "
                       "10.0.0.2"));
}

TEST(PaddleFlagsTest, ATrainerIdReplacesTheRank) {  // 1
  EXPECT_EQ(Read({"train.py"}, {{"PADDLE_TRAINER_ID", "0"}}).flags.rank, 0);
  EXPECT_EQ(Read({"--rank=1", "--nnodes=2", "train.py"}, {{"PADDLE_TRAINER_ID", "-1"}}).flags.rank,
            1);
}

TEST(PaddleFlagsTest, EndpointsOfAnotherLauncherNameTheMaster) {  // 1, other inputs
  const Env env = {{"PADDLE_TRAINER_ENDPOINTS", "10.0.0.1,10.0.0.1,10.0.0.2"}};
  const PaddleCommandLine line = Read({"train.py"}, env);
  EXPECT_EQ(line.flags.master, "10.0.0.1:6768");
  EXPECT_EQ(line.flags.max_nodes, 2);
  Env with_args = env;
  with_args["PADDLE_LAUNCH_WITH_ARGS"] = "1";
  EXPECT_EQ(Read({"train.py"}, with_args).flags.master, "");
}

TEST(PaddleFlagsTest, AnUnknownFlagSwitchesToTheLegacyLauncher) {  // 1
  const PaddleCommandLine line = Read({"--server_num=2", "--worker_num", "4", "train.py", "--x"});
  ASSERT_FALSE(line.refusal.has_value()) << *line.refusal;
  EXPECT_TRUE(line.flags.legacy);
  EXPECT_EQ(line.flags.server_num, 2);
  EXPECT_EQ(line.flags.worker_num, 4);
  EXPECT_EQ(line.flags.script, "train.py");
  EXPECT_THAT(line.flags.script_args, ElementsAre("--x"));
  EXPECT_THAT(line.warnings, Contains("Compatible mode enable with args ['--worker_num']"));
  EXPECT_THAT(line.warnings, Contains(HasSubstr("--worker_num is deprecated")));
}

TEST(PaddleFlagsTest, BesideAMasterAnUnknownFlagIsIgnoredWithAWarning) {  // 1, Decided
  const PaddleCommandLine line = Read({"--bogus=1", "--master=10.0.0.1:8090", "train.py"});
  EXPECT_FALSE(line.flags.legacy);
  EXPECT_EQ(line.flags.script, "train.py");
  EXPECT_THAT(line.warnings, ElementsAre(HasSubstr("--bogus=1")));
}

TEST(PaddleFlagsTest, ReadsHeterogeneousStages) {  // 1, legacy-only flags
  const PaddleFlags flags = Read({"--heter_workers=a:1,b:2;c:3", "--heter_worker_num=2;1",
                                  "--heter_devices=gpu;cpu", "train.py"})
                                .flags;
  EXPECT_THAT(flags.heter_workers, ElementsAre(ElementsAre("a:1", "b:2"), ElementsAre("c:3")));
  EXPECT_THAT(flags.heter_worker_num, ElementsAre(2, 1));
  EXPECT_THAT(flags.heter_devices, ElementsAre("gpu", "cpu"));
}

TEST(PaddleFlagsTest, ALegacyFalseIsFalse) {  // 1
  EXPECT_FALSE(Read({"--legacy", "false", "train.py"}).flags.legacy);
  EXPECT_TRUE(Read({"--legacy", "true", "train.py"}).flags.legacy);
  EXPECT_EQ(Read({"--legacy=maybe", "train.py"}).exit_code, 2);
}

TEST(PaddleFlagsTest, FollowsHttpMasters) {  // 0, "works better on purpose"
  EXPECT_EQ(Read({"--master=http://10.0.0.1:8090", "train.py"}).flags.master, "10.0.0.1:8090");
  EXPECT_EQ(Read({"--master=etcd://10.0.0.1:2379", "train.py"}).flags.master,
            "etcd://10.0.0.1:2379");
}

TEST(PaddleFlagsTest, FollowsZeroWithOneWarning) {  // Decided
  for (const char* flag : {"--nproc_per_node=0", "--server_num=0"}) {
    const PaddleCommandLine line = Read({flag, "train.py"});
    EXPECT_FALSE(line.refusal.has_value());
    EXPECT_EQ(line.warnings.size(), 1u) << flag;
  }
}

struct RefusedCase {
  std::vector<std::string> words;
  int exit_code;
  const char* text;
};

TEST(PaddleFlagsTest, RefusesBadValuesInOneLine) {  // 1, Decided
  const RefusedCase cases[] = {
      {{}, 2, "the following arguments are required: training_script"},
      {{"--nproc_per_node=x", "train.py"}, 2, "invalid int value: 'x'"},
      {{"--server", "train.py"}, 2, "ambiguous option"},
      {{"--nproc_per_node=-1", "train.py"}, 1, "--nproc_per_node=-1"},
      {{"--nproc_per_node=2000000000", "train.py"}, 1, "expected at most 10000"},
      {{"--nnodes=0", "train.py"}, 1, "--nnodes=0"},
      {{"--nnodes=4:2", "train.py"}, 1, "--nnodes=4:2"},
      {{"--nnodes=a", "train.py"}, 1, "--nnodes=a"},
      {{"--nnodes=2", "--rank=2", "train.py"}, 1, "--rank=2"},
      {{"--run_mode=foo", "train.py"}, 1, "--run_mode=foo"},
      {{"--log_level=loud", "train.py"}, 1, "--log_level=loud"},
      {{"--log_dir=", "train.py"}, 1, "--log_dir="},
      {{"--master=10.0.0.1", "train.py"}, 1, "ip:port"},
      {{"--ips=127.0.0.1,10.0.0.1", "train.py"}, 1, "127.0.0.1 in ips is not allowed"},
      {{"--gloo_port=70000", "train.py"}, 1, "--gloo_port=70000"},
      {{"--auto_tuner_json=a.json", "train.py"}, 1, "not supported"},
      {{"--backend=foo", "train.py"}, 1, "--backend=foo"},
      {{"--heter_worker_num=x", "train.py"}, 1, "--heter_worker_num=x"},
  };
  for (const RefusedCase& refused : cases) {
    const PaddleCommandLine line = Read(refused.words);
    ASSERT_TRUE(line.refusal.has_value()) << refused.text;
    EXPECT_EQ(line.exit_code, refused.exit_code) << *line.refusal;
    EXPECT_THAT(*line.refusal, HasSubstr(refused.text));
  }
}

TEST(PaddleFlagsTest, RefusesABadNumberInTheEnvironment) {  // 1
  const PaddleCommandLine line = Read({"train.py"}, {{"PADDLE_ELASTIC_LEVEL", "high"}});
  EXPECT_EQ(line.exit_code, 1);
  EXPECT_THAT(*line.refusal, HasSubstr("PADDLE_ELASTIC_LEVEL=high"));
}

TEST(PaddleFlagsTest, ShowsTheConfigurationSortedAsPythonPrintsIt) {  // 4
  const std::vector<std::string> shown = Read({"--nproc_per_node=2", "a.py", "b c"}).configuration;
  EXPECT_TRUE(std::is_sorted(shown.begin(), shown.end()));
  EXPECT_THAT(shown, Contains("master: None"));
  EXPECT_THAT(shown, Contains("nproc_per_node: 2"));
  EXPECT_THAT(shown, Contains("servers: "));
  EXPECT_THAT(shown, Contains("training_script_args: ['b c']"));
}

TEST(PaddleFlagsTest, WaitsTenTimesAsLongForAFixedNumber) {  // 2.2
  EXPECT_EQ(PaddleStartTimeout(Read({"--nnodes=2", "a.py"}).flags), absl::Seconds(300));
  EXPECT_EQ(PaddleStartTimeout(Read({"--nnodes=2:4", "a.py"}).flags), absl::Seconds(30));
  EXPECT_EQ(PaddleStartTimeout(Read({"--nnodes=2:4", "--elastic_timeout=1", "a.py"}).flags),
            absl::Seconds(3));
}

}  // namespace
}  // namespace muster
