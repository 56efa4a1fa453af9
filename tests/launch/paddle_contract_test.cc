// What the contracts paddle_* complete, refuse and ask for. Whole environments: paddle_golden_test.
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "launch/registry.h"
#include "tests/launch/launch_case.h"

namespace muster {
namespace {

constexpr char kGpu[] = "devices_per_rank { kind: 'nvidia' count: 1 } ";

TEST(PaddleCollectiveTest, EveryKindOfDeviceHasItsName) {
  const struct {
    const char* kind;
    const char* flag;
    const char* backend;
  } kCases[] = {
      {"nvidia", "FLAGS_selected_gpus", ""},    {"xpu", "FLAGS_selected_xpus", ""},
      {"ascend", "FLAGS_selected_npus", "npu"}, {"mlu", "FLAGS_selected_mlus", "mlu"},
      {"gcu", "FLAGS_selected_gcus", "gcu"},
  };
  for (const auto& test : kCases) {
    LaunchCase job(absl::StrCat("contract: 'paddle_collective' command: 'x' devices_per_rank { ",
                                "count: 1 kind: '", test.kind, "' }"));
    const auto rendered = job.Render(0, 0);
    ASSERT_TRUE(rendered.ok()) << rendered.status();
    EXPECT_EQ(rendered->env.at(test.flag), "0");
    EXPECT_EQ(rendered->env.count("PADDLE_XCCL_BACKEND"), *test.backend == '\0' ? 0u : 1u);
    if (*test.backend != '\0') {
      EXPECT_EQ(rendered->env.at("PADDLE_XCCL_BACKEND"), test.backend);
      EXPECT_EQ(rendered->env.at("PADDLE_DISTRI_BACKEND"), "xccl");
    }
  }
}

TEST(PaddlePsTest, ServersAndTrainersMayHaveHostsOfTheirOwn) {
  LaunchCase job(
      "contract: 'paddle_ps' command: 'x' nodes { min: 3 } "
      "roles { name: 'server' count: 1 node_ranks: '0' } "
      "roles { name: 'trainer' per_node: 2 node_ranks: '1-2' }");
  ASSERT_TRUE(CheckContract(job.spec).ok()) << CheckContract(job.spec);
  EXPECT_EQ(job.Render(0, 0)->env.at("TRAINING_ROLE"), "PSERVER");
  const auto last = job.Render(2, 1);
  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_EQ(last->env.at("TRAINING_ROLE"), "TRAINER");
  EXPECT_EQ(last->env.at("PADDLE_TRAINER_ID"), "3");
  EXPECT_EQ(last->env.at("PADDLE_TRAINERS_NUM"), "4");
  EXPECT_TRUE(absl::StartsWith(last->env.at("PADDLE_PSERVERS_IP_PORT_LIST"), "127.0.0.1:"));
  EXPECT_EQ(last->env.at("POD_IP"), "127.0.0.3");
}

TEST(PaddlePsTest, AHostWithoutServersAndTrainersIsRefused) {
  const LaunchCase job(
      "contract: 'paddle_ps' command: 'x' nodes { min: 3 } roles { name: 'server' count: 1 } "
      "roles { name: 'trainer' count: 2 }");
  EXPECT_EQ(CheckContract(job.spec),
            absl::InvalidArgumentError("roles: of 3 hosts host 2 has no rank of any role; say "
                                       "fewer 'nodes', or a larger 'count'"));
}

TEST(PaddleCollectiveTest, SelectedDevicesCountWithinTheListThatTheUserLeft) {
  LaunchCase job(
      absl::StrCat("contract: 'paddle_collective' command: 'x' ranks_per_node: 4 ", kGpu));
  job.base_env["CUDA_VISIBLE_DEVICES"] = "2,3";  // The agent's, which the contract cannot see.
  EXPECT_EQ(job.Render(0, 3)->env.at("CUDA_VISIBLE_DEVICES"), "2,3");
  EXPECT_EQ(job.Render(0, 3)->env.at("FLAGS_selected_gpus"), "1");
}

TEST(PaddleCollectiveTest, ATrainerWithSeveralDevicesGetsThemAll) {
  LaunchCase job(
      "contract: 'paddle_collective' command: 'x' ranks_per_node: 2 "
      "devices_per_rank { kind: 'nvidia' count: 2 }");
  EXPECT_EQ(job.Render(0, 1)->env.at("FLAGS_selected_gpus"), "2,3");
}

TEST(PaddleCollectiveTest, ThePodsNameIsOfTheHostAndStaysWhenTheGangStartsAgain) {
  LaunchCase job("contract: 'paddle_collective' command: 'x' ranks_per_node: 2 nodes { min: 2 }");
  const std::string name = job.Render(0, 0)->env.at("POD_NAME");
  EXPECT_EQ(name.size(), 6u);
  EXPECT_EQ(job.Render(0, 1)->env.at("POD_NAME"), name);
  EXPECT_NE(job.Render(1, 0)->env.at("POD_NAME"), name);
  job.context.attempt = 3;
  EXPECT_EQ(job.Render(0, 0)->env.at("POD_NAME"), name);
  job.context.job_id = "digits-ffffff";
  EXPECT_NE(job.Render(0, 0)->env.at("POD_NAME"), name);
}

TEST(PaddleCollectiveTest, WithoutALogDirectoryItsFilesGoToTheGangs) {
  LaunchCase job("contract: 'paddle_collective' command: 'x'");
  EXPECT_EQ(job.Render(0, 0)->env.at("PADDLE_LOG_DIR"), "/gang");
}

TEST(PaddleCollectiveTest, ALongEndpointListIsOnlyInTheBackupFile) {
  LaunchCase job("contract: 'paddle_collective' command: 'x' ranks_per_node: 4000");
  const auto rendered = job.Render(0, 3999);
  ASSERT_TRUE(rendered.ok()) << rendered.status();
  EXPECT_EQ(rendered->env.count("PADDLE_TRAINER_ENDPOINTS"), 0u);
  EXPECT_EQ(rendered->env.at("PADDLE_BACKUP_ENV_PATH"), "/gang/backup_env.3999.json");
  ASSERT_EQ(rendered->files.size(), 1u);
  EXPECT_EQ(rendered->files[0].path, "backup_env.3999.json");
  EXPECT_TRUE(absl::StrContains(rendered->files[0].bytes,
                                "\"PADDLE_TRAINER_ENDPOINTS\": \"127.0.0.1:20001,"));
}

TEST(PaddleCollectiveTest, TheUserMaySayWhatALongListIs) {
  LaunchCase job(
      "contract: 'paddle_collective' command: 'x' "
      "env { key: 'PADDLE_ENV_LIMIT_LEN' value: '5' }");
  EXPECT_EQ(job.Render(0, 0)->env.count("PADDLE_TRAINER_ENDPOINTS"), 0u);
}

TEST(PaddleCollectiveTest, ProxiesAndWhatALauncherLeftAreCleared) {
  LaunchCase job("contract: 'paddle_collective' command: 'x'");
  job.base_env = {{"http_proxy", "p"}, {"TRAINING_ROLE", "PSERVER"}, {"FLAGS_selected_xpus", "3"}};
  const auto rendered = job.Render(0, 0);
  EXPECT_EQ(rendered->env.count("http_proxy"), 0u);
  ASSERT_EQ(rendered->notes.size(), 1u);
  EXPECT_FALSE(absl::StrContains(rendered->notes[0], "http_proxy"));
  EXPECT_EQ(rendered->env.count("TRAINING_ROLE"), 0u);
  EXPECT_EQ(rendered->env.count("FLAGS_selected_xpus"), 0u);
}

TEST(PaddlePsTest, AJobWithoutRolesIsOneOfTrainersWithAServerOnEachHost) {
  const LaunchCase job(absl::StrCat("contract: 'paddle_ps' command: 'x' ranks_per_node: 3 ", kGpu));
  ASSERT_EQ(job.spec.roles_size(), 2);
  EXPECT_EQ(job.spec.roles(0).name(), "server");
  EXPECT_EQ(job.spec.roles(0).per_node(), 1);
  EXPECT_FALSE(job.spec.roles(0).has_devices_per_rank());
  EXPECT_EQ(job.spec.roles(1).name(), "trainer");
  EXPECT_EQ(job.spec.roles(1).per_node(), 3);
  EXPECT_EQ(job.spec.roles(1).devices_per_rank().count(), 1);
}

TEST(PaddlePsTest, CompletingTwiceIsCompletingOnce) {
  for (const char* contract : {"paddle_ps", "paddle_heter"}) {
    const LaunchCase job(
        absl::StrCat("contract: '", contract, "' command: 'x' ranks_per_node: 3 ", kGpu));
    v1::JobSpec again = job.spec;
    CompleteSpec(&again);
    EXPECT_EQ(again.DebugString(), job.spec.DebugString());
  }
}

TEST(PaddlePsTest, TheTrainersEndTheJobUnlessItSaysOtherwise) {
  const LaunchCase silent("contract: 'paddle_ps' command: 'x'");
  EXPECT_EQ(silent.spec.success().role(), "trainer");
  EXPECT_EQ(silent.spec.success().clean_up(), v1::CLEAN_UP_STOP);
  const LaunchCase all("contract: 'paddle_ps' command: 'x' success { all: true }");
  EXPECT_TRUE(all.spec.success().all());
  EXPECT_EQ(all.spec.success().clean_up(), v1::CLEAN_UP_WAIT);
  const LaunchCase plain("command: 'x'");
  EXPECT_TRUE(plain.spec.success().all());
}

TEST(PaddlePsTest, AFixedGlooPortNeedsNoneOfOurs) {
  LaunchCase job("contract: 'paddle_ps' command: 'x' paddle { gloo_port: 6767 with_gloo: '0' }");
  EXPECT_EQ(job.placement.nodes(0).ranks(0).ports_size(), 1);
  EXPECT_EQ(job.Render(0, 0)->env.at("PADDLE_GLOO_HTTP_ENDPOINT"), "127.0.0.1:6767");
  EXPECT_EQ(job.Render(0, 0)->env.at("PADDLE_WITH_GLOO"), "0");
}

TEST(PaddlePsTest, AHostMayHaveNoServer) {
  LaunchCase job(
      "contract: 'paddle_ps' command: 'x' nodes { min: 2 } roles { name: 'server' count: 1 } "
      "roles { name: 'trainer' per_node: 2 }");
  const auto trainer = job.Render(1, 0);
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  EXPECT_EQ(trainer->env.at("PADDLE_TRAINER_ID"), "2");
  EXPECT_EQ(trainer->env.at("PADDLE_PSERVERS_IP_PORT_LIST"), "127.0.0.1:20001");
}

TEST(PaddlePsTest, AHostMayHaveServersAlone) {
  LaunchCase job(
      "contract: 'paddle_ps' command: 'x' nodes { min: 2 } roles { name: 'server' per_node: 1 } "
      "roles { name: 'trainer' count: 1 }");
  ASSERT_EQ(job.placement.nodes(1).ranks_size(), 1);
  const auto server = job.Render(1, 0);
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(server->env.at("PADDLE_ROLE"), "PSERVER");
  EXPECT_EQ(server->env.at("PADDLE_TRAINER_ENDPOINTS"), "127.0.0.1:20002");
}

TEST(PaddleHeterTest, StagesTakeTheirDeviceTypes) {
  LaunchCase job(
      "contract: 'paddle_heter' command: 'x' roles { name: 'server' } roles { name: 'trainer' } "
      "roles { name: 'heter-a' } roles { name: 'heter-b' } "
      "paddle { heter_devices: 'gpu' heter_devices: 'cpu' }");
  EXPECT_EQ(job.Render(0, 1)->env.at("HETER_DEVICE_TYPE"), "cpu");
  EXPECT_EQ(job.Render(0, 2)->env.at("HETER_DEVICE_TYPE"), "gpu");
  EXPECT_EQ(job.Render(0, 3)->env.at("HETER_DEVICE_TYPE"), "cpu");
  EXPECT_EQ(job.Render(0, 3)->env.at("STAGE_ID"), "3");
  EXPECT_EQ(job.Render(0, 3)->env.at("CUDA_VISIBLE_DEVICES"), "0");
}

TEST(PaddleContractTest, RefusesWhatItCannotRun) {
  const struct {
    const char* spec;
    const char* message;
  } kCases[] = {
      {"contract: 'paddle_rpc' mode: 'fast'",
       "mode: contract 'paddle_rpc' has no mode 'fast'; leave it out"},
      {"contract: 'paddle_ps' mode: 'fast'",
       "mode: contract 'paddle_ps' has no mode 'fast'; use legacy, or leave it out"},
      {"contract: 'paddle_collective' restart { scope: RESTART_SCOPE_RANK }",
       "restart.scope: contract 'paddle_collective' cannot take a single rank back into a running "
       "job; use gang"},
      {"contract: 'paddle_collective' devices_per_rank { kind: 'nvidia' count: 1 visible: "
       "VISIBLE_DEVICES_RANK }",
       "devices_per_rank.visible: contract 'paddle_collective' tells a rank its devices by their "
       "index on the host; use host"},
      {"contract: 'paddle_collective' paddle { gloo_port: 7 }",
       "paddle.gloo_port: contract 'paddle_collective' has no such setting; leave it out"},
      {"contract: 'paddle_ps' paddle { ipu_devices: 7 }",
       "paddle.ipu_devices: contract 'paddle_ps' has no such setting; it has with_gloo, gloo_port"},
      {"contract: 'paddle_ps' paddle { gloo_port: 70000 }",
       "paddle.gloo_port: there is no port 70000; use 1 to 65535, or leave it out for a free one"},
      {"contract: 'paddle_collective' roles { name: 'a' } roles { name: 'b' }",
       "roles: contract 'paddle_collective' has one kind of ranks; use ranks_per_node, or the "
       "contract paddle_ps"},
      {"contract: 'paddle_rpc' roles { name: 'a' } roles { name: 'b' }",
       "roles: contract 'paddle_rpc' has one kind of ranks; use ranks_per_node"},
      {"contract: 'paddle_ps' roles { name: 'trainer' } roles { name: 'heter-2' }",
       "roles[2].name: contract 'paddle_ps' has no role 'heter-2'; its roles are server and "
       "trainer"},
      {"contract: 'paddle_heter' paddle { heter_devices: 'gpu' heter_devices: 'gpu' }",
       "paddle.heter_devices: it names 2 stages, and the job has 1 from stage 2 on; name each of "
       "them"},
      {"contract: 'paddle_heter' paddle { heter_devices: 'tpu' }",
       "paddle.heter_devices[0]: there is no device type 'tpu'; use cpu or gpu"},
      {"contract: 'paddle_ipu'",
       "paddle.ipu_partition: contract 'paddle_ipu' needs it for poprun; set it"},
      {"contract: 'paddle_ipu' ranks_per_node: 2",
       "nodes: contract 'paddle_ipu' starts one poprun, which reaches its hosts itself; leave out "
       "nodes, roles and ranks_per_node, and name the hosts in paddle.ipu_hosts"},
      {"contract: 'paddle_ipu' paddle { ipu_partition: 'p' vipu_server: 'v' ipu_devices: 3 "
       "ipu_nproc_per_host: 1 ipus_per_replica: 2 }",
       "paddle: 3 IPUs cannot be shared out to replicas of 2 each; see ipu_devices, ipu_hosts, "
       "ipu_nproc_per_host and ipus_per_replica"},
  };
  for (const auto& test : kCases) {
    const LaunchCase job(std::string("command: 'x' ") + test.spec);
    EXPECT_EQ(CheckContract(job.spec), absl::InvalidArgumentError(test.message)) << test.spec;
  }
}

TEST(PaddleContractTest, AHostWithAnIPv6AddressCannotBeAnEndpoint) {
  LaunchCase job("command: 'x' contract: 'paddle_collective'");
  job.placement.mutable_nodes(0)->set_address("fe80::1");
  EXPECT_EQ(job.Render(0, 0).status(),
            absl::InvalidArgumentError(
                "host node-0 has the IPv6 address fe80::1, and Paddle's endpoints are IPv4; give "
                "its agent an IPv4 address"));
}

TEST(PaddleContractTest, APlacementWithoutItsPortsIsOurFault) {
  for (const char* contract : {"paddle_collective", "paddle_ps", "paddle_heter", "paddle_rpc"}) {
    LaunchCase job(absl::StrCat("command: 'x' contract: '", contract, "'"));
    job.placement.mutable_nodes(0)->mutable_ranks(0)->clear_ports();
    EXPECT_EQ(job.Render(0, 0).status().code(), absl::StatusCode::kInternal) << contract;
  }
}

}  // namespace
}  // namespace muster
