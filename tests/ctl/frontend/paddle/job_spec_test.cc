// The document's examples (paddle.md, section 7) as jobs on the agents.
#include "ctl/frontend/paddle/job_spec.h"

#include "ctl/frontend/paddle/paddle.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

FrontendJob Job(const std::vector<std::string>& words,
                const std::map<std::string, std::string>& env = {}) {
  FrontendCall call;
  call.words = words;
  call.env = env;
  call.current_dir = "/work";
  call.program = "paddle-launch";
  const auto job = PaddleToJob(call);
  EXPECT_TRUE(job.ok()) << job.status();
  return job.value_or(FrontendJob());
}

std::string Roles(const v1::JobSpec& spec) {
  std::string text;
  for (const v1::RoleSpec& role : spec.roles()) {
    text += role.name() +
            (role.count() > 0 ? "=" + std::to_string(role.count())
                              : "/" + std::to_string(role.per_node())) +
            " ";
  }
  return text;
}

TEST(PaddleToJobTest, ExampleOneHasFourRanksWithADeviceEach) {
  const FrontendJob job = Job({"--devices=0,1,2,3", "train.py", "--lr=0.01"});
  EXPECT_EQ(job.spec.contract(), "paddle_collective");
  EXPECT_EQ(job.spec.ranks_per_node(), 4);
  EXPECT_EQ(job.spec.devices_per_rank().kind(), "nvidia");
  EXPECT_EQ(job.spec.devices_per_rank().count(), 1);
  EXPECT_THAT(job.spec.command(), ElementsAre("python3", "-u", "train.py", "--lr=0.01"));
  EXPECT_EQ(job.spec.name(), "train-py");
  EXPECT_EQ(job.spec.workdir(), "/work");
  EXPECT_EQ(job.spec.logs().dir(), "log");
  EXPECT_THAT(*job.shown_ranks, ElementsAre(0));
  EXPECT_EQ(job.shown_role, "");
}

TEST(PaddleToJobTest, ExampleTwoHasTwoHosts) {
  const FrontendJob job =
      Job({"--devices=0,1,2,3", "--master=192.168.0.16:8090", "--nnodes=2", "train.py"});
  EXPECT_EQ(job.spec.nodes().min(), 2);
  EXPECT_EQ(job.spec.nodes().max(), 2);
  EXPECT_THAT(job.notes, Contains(HasSubstr("--master is not used")));
}

TEST(PaddleToJobTest, TheFirstServerIsShownWhereThereAreServers) {
  EXPECT_EQ(Job({"--server_num=2", "--trainer_num=4", "train.py"}).shown_role, "server");
}

TEST(PaddleToJobTest, ExamplesThreeAndFourHaveServersAndTrainers) {
  EXPECT_EQ(Roles(Job({"--server_num=2", "--trainer_num=4", "train.py"}).spec),
            "server/2 trainer/4 ");
  const FrontendJob job = Job({"--master=192.168.0.16:8090", "--nnodes=2", "--server_num=1",
                               "--trainer_num=2", "train.py"});
  EXPECT_EQ(job.spec.contract(), "paddle_ps");
  EXPECT_EQ(Roles(job.spec), "server/1 trainer/2 ");
  EXPECT_EQ(job.spec.nodes().max(), 2);
}

TEST(PaddleToJobTest, ServersAndTrainersOnHostsOfTheirOwn) {
  const FrontendJob apart =
      Job({"--servers=s0:6170,s1:6170", "--trainers=t0:6171,t0:6172,t1:6171,t1:6172", "train.py"});
  EXPECT_EQ(apart.spec.nodes().min(), 4);
  EXPECT_EQ(Roles(apart.spec), "server/1 trainer/2 ");
  EXPECT_EQ(apart.spec.roles(0).node_ranks(), "0-1");
  EXPECT_EQ(apart.spec.roles(1).node_ranks(), "2-3");
  EXPECT_EQ(apart.spec.paddle().gloo_port(), 0) << "a free one";

  const FrontendJob shared = Job({"--servers=a:6170", "--trainers=a:6171,b:6171,b:6172,c:6171",
                                  "--gloo_port=6800", "train.py"});
  EXPECT_EQ(shared.spec.paddle().gloo_port(), 6800);
  EXPECT_EQ(shared.spec.nodes().max(), 3);
  EXPECT_EQ(Roles(shared.spec), "server/1 trainer=4 ");
  EXPECT_EQ(shared.spec.roles(0).node_ranks(), "0");
  EXPECT_EQ(shared.spec.roles(1).node_ranks(), "");

  const FrontendJob legacy =
      Job({"--servers=s:6170", "--workers=a:6171,b:6171", "--heter_workers=h:6172", "train.py"});
  EXPECT_EQ(Roles(legacy.spec), "server/1 trainer/1 heter-2/1 ");
  EXPECT_EQ(legacy.spec.roles(0).node_ranks(), "0");
  EXPECT_EQ(legacy.spec.roles(1).node_ranks(), "1-2");
  EXPECT_EQ(legacy.spec.roles(2).node_ranks(), "3");
}

TEST(PaddleToJobTest, ExamplesFiveAndSixAreLegacyWithDevices) {
  const FrontendJob five =
      Job({"--server_num=2", "--worker_num=4", "train.py"}, {{"CUDA_VISIBLE_DEVICES", "0,1,2,3"}});
  EXPECT_EQ(five.spec.mode(), "legacy");
  EXPECT_EQ(Roles(five.spec), "server=2 trainer=4 ");
  EXPECT_EQ(five.spec.roles(1).devices_per_rank().count(), 1);
  const FrontendJob six =
      Job({"--servers=a:6170,b:6170", "--workers=a:6171,a:6172,b:6171,b:6172", "train.py"},
          {{"CUDA_VISIBLE_DEVICES", "0,1"}});
  EXPECT_EQ(six.spec.nodes().min(), 2);
  EXPECT_EQ(Roles(six.spec), "server/1 trainer/2 ");
}

TEST(PaddleToJobTest, ExamplesSevenAndEightHaveAStageOnDevices) {
  const FrontendJob seven =
      Job({"--server_num=2", "--worker_num=2", "--heter_worker_num=2", "a.py"},
          {{"CUDA_VISIBLE_DEVICES", "0,1"}});
  EXPECT_EQ(seven.spec.contract(), "paddle_heter");
  EXPECT_EQ(Roles(seven.spec), "server=2 trainer=2 heter-2=2 ");
  EXPECT_FALSE(seven.spec.roles(1).has_devices_per_rank());
  EXPECT_EQ(seven.spec.roles(2).devices_per_rank().count(), 1);
}

TEST(PaddleToJobTest, ExampleNineIsElastic) {
  const FrontendJob job =
      Job({"--master", "etcd://10.0.0.1:2379", "--nnodes", "2:4", "--elastic_level=1", "train.py"});
  EXPECT_EQ(job.spec.nodes().min(), 2);
  EXPECT_EQ(job.spec.nodes().max(), 4);
  EXPECT_EQ(job.spec.restart().max_restarts(), 3);
}

TEST(PaddleToJobTest, ExampleTenIsOnePoprun) {
  const FrontendJob job =
      Job({"--devices", "4", "ipu", "--hosts=localhost", "--nproc_per_host=2",
           "--ipus_per_replica=1", "--ipu_partition=pod16", "--vipu_server=127.0.0.1", "train.py"});
  EXPECT_EQ(job.spec.name(), "train-py");
  EXPECT_EQ(job.spec.contract(), "paddle_ipu");
  EXPECT_EQ(job.spec.paddle().ipu_devices(), 4);
  EXPECT_EQ(job.spec.paddle().ipu_partition(), "pod16");
  EXPECT_THAT(job.spec.command(), ElementsAre("python3", "train.py"));
}

TEST(PaddleToJobTest, TheElasticLevelIsSpokenOf) {
  const FrontendJob plain = Job({"--elastic_level=1", "train.py"});
  EXPECT_EQ(plain.spec.restart().max_restarts(), 0);
  EXPECT_THAT(plain.notes, Contains(HasSubstr("--elastic_level is not used")));
  const FrontendJob elastic =
      Job({"--elastic_level=2", "--max_restart=5", "--nnodes=2:4", "--master=etcd://e:1", "t.py"});
  EXPECT_EQ(elastic.spec.restart().max_restarts(), 5);
  EXPECT_THAT(elastic.notes, Contains(HasSubstr("--elastic_level=2: a failed run starts again")));
  for (const char* level : {"--elastic_level=0", "--elastic_level=-1"}) {
    EXPECT_THAT(Job({level, "--nnodes=2:4", "--master=etcd://e:1", "t.py"}).notes,
                Not(Contains(HasSubstr("--elastic_level"))));
  }
}

TEST(PaddleToJobTest, RefusesAsTheLauncherDoes) {
  FrontendCall call;
  call.words = {"--nnodes=x", "train.py"};
  call.program = "paddle-launch";
  EXPECT_TRUE(absl::IsInvalidArgument(PaddleToJob(call).status()));
}

TEST(PaddleFrontendTest, KnowsItsCommandLines) {
  const auto match = PaddleFrontend().match;
  const std::vector<std::string> words = {"--nnodes=2", "train.py"};
  for (std::vector<std::string> command : std::vector<std::vector<std::string>>{
           {"paddle-launch"},
           {"/usr/bin/fleetrun"},
           {"python", "-m", "paddle.distributed.launch"},
           {"python3.11", "-u", "-m", "paddle.distributed.launch"}}) {
    command.insert(command.end(), words.begin(), words.end());
    EXPECT_EQ(match(command), words) << command[0];
  }
  EXPECT_EQ(match({"python", "-m", "torch.distributed.run", "x.py"}), std::nullopt);
  EXPECT_EQ(match({"python", "train.py"}), std::nullopt);
}

}  // namespace
}  // namespace muster
