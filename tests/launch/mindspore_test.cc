#include "launch/mindspore.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/job/job_defaults.h"
#include "common/job/rank_map.h"
#include "launch/rank_table_placement.h"
#include "launch/registry.h"
#include "tests/launch/launch_case.h"

namespace muster {
namespace {

TEST(MindSporeTest, TheSchedulerIsAddedLastAndHoldsNoDevice) {
  const LaunchCase job(
      "contract: 'mindspore' command: 'x' ranks_per_node: 2 "
      "devices_per_rank { kind: 'ascend' count: 1 }");
  ASSERT_EQ(job.spec.roles_size(), 2);
  EXPECT_EQ(job.spec.roles(0).name(), "worker");
  EXPECT_EQ(DevicesOf(job.spec, job.spec.roles(0)).count(), 1);
  EXPECT_EQ(job.spec.roles(1).name(), "scheduler");
  EXPECT_EQ(RoleCount(job.spec.roles(1), 1), 1);
  EXPECT_EQ(DevicesOf(job.spec, job.spec.roles(1)).count(), 0);
}

TEST(MindSporeTest, TheSchedulerRunsWhatTheWorkersRun) {
  LaunchCase job(
      "contract: 'mindspore' roles { name: 'worker' command: 'python3' command: 'a.py' "
      "env { key: 'A' value: 'b' } }");
  const auto scheduler = job.Render(0, 1);
  ASSERT_TRUE(scheduler.ok()) << scheduler.status();
  EXPECT_EQ(scheduler->argv, (std::vector<std::string>{"python3", "a.py"}));
  EXPECT_EQ(scheduler->env.at("A"), "b");
}

TEST(MindSporeTest, ASchedulerOfTheUsersKeepsItsPlaceAndCommand) {
  const LaunchCase job(
      "contract: 'mindspore' command: 'x' devices_per_rank { kind: 'nvidia' count: 1 } "
      "roles { name: 'scheduler' count: 1 command: 'y' } roles { name: 'worker' per_node: 2 }");
  ASSERT_EQ(job.spec.roles_size(), 2);
  EXPECT_EQ(job.spec.roles(0).command(0), "y");
  EXPECT_EQ(DevicesOf(job.spec, job.spec.roles(0)).count(), 0);
  EXPECT_TRUE(CheckContract(job.spec).ok()) << CheckContract(job.spec);
}

TEST(MindSporeTest, CompletingTwiceIsCompletingOnce) {
  for (const char* spec : {"ranks_per_node: 4 devices_per_rank { kind: 'ascend' count: 1 }",
                           "ranks_per_node: 4 mindspore { sim_level: 0 sim_rank_id: 2 }",
                           "roles { name: 'server' } roles { name: 'worker' per_node: 2 }"}) {
    const LaunchCase job(absl::StrCat("contract: 'mindspore' command: 'x' ", spec));
    v1::JobSpec again = job.spec;
    CompleteSpec(&again);
    EXPECT_EQ(again.DebugString(), job.spec.DebugString());
  }
}

TEST(MindSporeTest, OnlyTheSchedulerNeedsAPortAndNoneWhenItIsFixed) {
  const LaunchCase leased("contract: 'mindspore' command: 'x' nodes { min: 2 }");
  const std::vector<RoleNeeds> needs = MindSporeContract().Needs(leased.spec);
  ASSERT_EQ(needs.size(), 2u);
  EXPECT_EQ(needs[0].ports_per_rank + needs[0].ports_on_first_rank, 0);
  EXPECT_EQ(needs[1].role, "scheduler");
  EXPECT_EQ(needs[1].ports_on_first_rank, 1);
  const LaunchCase fixed("contract: 'mindspore' command: 'x' mindspore { sched_port: 8118 }");
  EXPECT_EQ(MindSporeContract().Needs(fixed.spec)[1].ports_on_first_rank, 0);
}

TEST(MindSporeTest, ASimulationOfAllRanksHasNoScheduler) {
  const LaunchCase job(
      "contract: 'mindspore' command: 'x' ranks_per_node: 4 mindspore { sim_level: 2 }");
  ASSERT_EQ(job.spec.roles_size(), 1);
  EXPECT_EQ(job.placement.nodes(0).ranks_size(), 4);
}

TEST(MindSporeTest, ASimulationOfOneRankIsOneProcess) {
  const LaunchCase job(
      "contract: 'mindspore' command: 'x' nodes { min: 4 } ranks_per_node: 8 "
      "mindspore { sim_level: 1 sim_rank_id: 31 }");
  ASSERT_EQ(job.placement.nodes_size(), 1);
  EXPECT_EQ(job.placement.nodes(0).ranks_size(), 1);
  EXPECT_EQ(job.spec.mindspore().sim_worker_num(), 32);
}

TEST(MindSporeTest, ASimulationOfOneRankMaySayHowLargeTheJobIs) {
  LaunchCase job(
      "contract: 'mindspore' command: 'x' ranks_per_node: 8 "
      "mindspore { sim_level: 1 sim_rank_id: 100 sim_worker_num: 128 }");
  ASSERT_EQ(job.placement.nodes(0).ranks_size(), 1);
  EXPECT_EQ(job.Render(0, 0)->env.at("RANK_SIZE"), "128");
}

TEST(MindSporeTest, FilesOfTheUsersAreLookedForOnceOnEachHost) {
  LaunchCase job(
      "contract: 'mindspore' command: 'x' ranks_per_node: 2 mindspore { rank_table_file: '/t.json' "
      "tls_config_file: '/tls.json' }");
  const auto first = job.Render(0, 0);
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_EQ(first->inputs.size(), 2u);
  EXPECT_EQ(first->inputs[0].field, "mindspore.rank_table_file");
  EXPECT_EQ(first->inputs[0].path, "/t.json");
  EXPECT_EQ(first->inputs[1].path, "/tls.json");
  EXPECT_EQ(first->env.at("RANK_TABLE_FILE"), "/t.json");
  EXPECT_EQ(first->env.at("MUSTER_MS_TLS_CONFIG"), "/tls.json");
  EXPECT_TRUE(job.Render(0, 1)->inputs.empty());
}

// What a host says of a job's own rank table: `shape` is the job's, `table` what lies there.
absl::Status CheckOwnTable(const std::string& shape, const std::string& table) {
  LaunchCase job(absl::StrCat("contract: 'mindspore' command: 'x' ", shape));
  job.spec.mutable_mindspore()->set_rank_table_file("/t.json");
  const auto rank = job.Render(job.placement.nodes_size() - 1, 0);
  EXPECT_TRUE(rank.ok()) << rank.status();
  EXPECT_EQ(rank->inputs.size(), 1u);
  return rank->inputs[0].check(table);
}

// The table of that many devices on each of so many hosts.
std::string TableOf(int hosts, int devices) {
  const LaunchCase job(absl::StrCat(
      "contract: 'rank_table' command: 'x' devices_per_rank { kind: 'ascend' count: 1 } "
      "nodes { min: ",
      hosts, " } ranks_per_node: ", devices));
  return WriteRankTable(*MakeRankTable(job.spec.rank_table(), job.placement));
}

TEST(MindSporeTest, ATableOfTheUsersKeepsEveryRule) {
  for (const char* shape : {"", "ranks_per_node: 2 mindspore { sim_level: 1 }"}) {
    EXPECT_EQ(CheckOwnTable(shape, "{"),
              absl::InvalidArgumentError("/t.json: line 1, column 2: it is not JSON from here on"));
    EXPECT_FALSE(CheckOwnTable(shape, "{}").ok());
    EXPECT_TRUE(CheckOwnTable(shape, TableOf(1, 4)).ok()) << "whose devices it names is not known";
  }
}

TEST(MindSporeTest, ATableOfTheUsersNamesTheJobsDevices) {
  const std::string shape =
      "nodes { min: 2 } ranks_per_node: 2 devices_per_rank { kind: 'ascend' count: 1 }";
  EXPECT_TRUE(CheckOwnTable(shape, TableOf(2, 2)).ok()) << CheckOwnTable(shape, TableOf(2, 2));
  EXPECT_EQ(CheckOwnTable(shape, TableOf(2, 4)),
            absl::InvalidArgumentError("/t.json: it lists 8 devices, and the job has 4 ranks"));
  EXPECT_TRUE(CheckOwnTable(absl::StrCat("nodes { min: 2 } roles { name: 'server' count: 1 } "
                                         "roles { name: 'worker' per_node: 2 devices_per_rank { "
                                         "kind: 'ascend' count: 1 } }"),
                            TableOf(2, 4))
                  .ok())
      << "with servers the ranks are MindSpore's to deal";
}

TEST(MindSporeTest, TheSchedulerMayHaveAHostOfItsOwn) {
  LaunchCase job(
      "contract: 'mindspore' command: 'x' nodes { min: 3 } roles { name: 'worker' per_node: 2 "
      "node_ranks: '1-' } roles { name: 'scheduler' count: 1 node_ranks: '0' }");
  ASSERT_TRUE(CheckContract(job.spec).ok()) << CheckContract(job.spec);
  EXPECT_EQ(job.Render(0, 0)->env.at("MS_ROLE"), "MS_SCHED");
  const auto last = job.Render(2, 1);
  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_EQ(last->env.at("MS_WORKER_NUM"), "4");
  EXPECT_EQ(last->env.at("RANK_ID"), "3");
  EXPECT_EQ(last->env.at("MS_SCHED_HOST"), "127.0.0.1");
}

TEST(MindSporeTest, TheSchedulerIsNotBoundToCores) {
  LaunchCase job("contract: 'mindspore' command: 'x' bind: CORE_BINDING_CORE");
  EXPECT_TRUE(job.Render(0, 0)->bind);
  EXPECT_FALSE(job.Render(0, 1)->bind);
}

TEST(MindSporeTest, WorkersLogsMayBeNamedAsMsrunNamesThem) {
  LaunchCase job(
      "contract: 'mindspore' command: 'x' nodes { min: 2 } logs { dir: 'l' } "
      "mindspore { worker_log_name: 'w_{hostname}_{ip}' }");
  EXPECT_EQ(job.Render(1, 0)->logs.out, "w_node-1_127.0.0.2_1.log");
  EXPECT_EQ(job.Render(0, 1)->logs.out, "scheduler.log");
}

TEST(MindSporeTest, AHostThatIsKnownByNameCannotBeTheSchedulers) {
  LaunchCase job("contract: 'mindspore' command: 'x'");
  job.placement.mutable_nodes(0)->set_address("node-0.example.org");
  EXPECT_EQ(job.Render(0, 0).status(),
            absl::InvalidArgumentError(
                "MS_SCHED_HOST: host node-0 is known as 'node-0.example.org', and MindSpore takes "
                "an address only; start its agent with --agent_address=ADDRESS"));
}

TEST(MindSporeTest, IPv6IsForAscendAndTellsWorkersTheirOwnAddress) {
  LaunchCase cpu("contract: 'mindspore' command: 'x'");
  cpu.placement.mutable_nodes(0)->set_address("fd00::1");
  EXPECT_EQ(cpu.Render(0, 0).status().code(), absl::StatusCode::kInvalidArgument);
  LaunchCase ascend(
      "contract: 'mindspore' command: 'x' nodes { min: 2 } "
      "devices_per_rank { kind: 'ascend' count: 1 }");
  ascend.placement.mutable_nodes(0)->set_address("fd00::1");
  ascend.placement.mutable_nodes(1)->set_address("fd00::2");
  const auto worker = ascend.Render(1, 0);
  ASSERT_TRUE(worker.ok()) << worker.status();
  EXPECT_EQ(worker->env.at("MS_SCHED_HOST"), "fd00::1");
  EXPECT_EQ(worker->env.at("MS_WORKER_IP"), "fd00::2");
}

TEST(MindSporeTest, ARestartedRankFindsTheSameDirectoryAndAnotherAttemptAnotherOne) {
  LaunchCase job("contract: 'mindspore' command: 'x' mindspore { recovery: true }");
  const std::string first = job.Render(0, 0)->env.at("MS_RECOVERY_PATH");
  job.context.rank_restarts = 1;
  EXPECT_EQ(job.Render(0, 0)->env.at("MS_RECOVERY_PATH"), first);
  EXPECT_EQ(job.Render(0, 1)->env.at("MS_RECOVERY_PATH"), first);
  job.context.attempt = 1;
  EXPECT_NE(job.Render(0, 0)->env.at("MS_RECOVERY_PATH"), first);
}

TEST(MindSporeTest, LeftoversOfAnotherLauncherDoNotReachAProcess) {
  LaunchCase job("contract: 'mindspore' command: 'x' mindspore { sim_level: 1 }");
  job.base_env = {{"MS_ROLE", "MS_SCHED"},
                  {"MS_SCHED_HOST", "h"},
                  {"MINDSPORE_HCCL_CONFIG_PATH", "/old.json"},
                  {"MS_NODE_TIMEOUT", "60"}};
  const auto rendered = job.Render(0, 0);
  ASSERT_TRUE(rendered.ok()) << rendered.status();
  EXPECT_EQ(rendered->env.count("MS_ROLE"), 0u);
  EXPECT_EQ(rendered->env.count("MINDSPORE_HCCL_CONFIG_PATH"), 0u);
  EXPECT_EQ(rendered->env.at("MS_NODE_TIMEOUT"), "60");  // A setting.
  ASSERT_EQ(rendered->notes.size(), 1u);
}

TEST(MindSporeTest, APlacementWithoutItsPortIsOurFault) {
  LaunchCase job("contract: 'mindspore' command: 'x'");
  job.placement.mutable_nodes(0)->mutable_ranks(1)->clear_ports();
  EXPECT_EQ(job.Render(0, 0).status().code(), absl::StatusCode::kInternal);
}

TEST(MindSporeTest, RefusesWhatItCannotRun) {
  const struct {
    const char* spec;
    const char* message;
  } kCases[] = {
      {"mode: 'ps'", "mode: contract 'mindspore' has no mode 'ps'; leave it out"},
      {"roles { name: 'ps' } roles { name: 'worker' }",
       "roles[0].name: contract 'mindspore' has no role 'ps'; use worker, server or scheduler"},
      {"roles { name: 'server' }",
       "roles: contract 'mindspore' needs a role 'worker', and there is none; add it, or leave out "
       "'roles' and say ranks_per_node"},
      {"roles { name: 'worker' } roles { name: 'scheduler' count: 2 }",
       "roles[1].count: 2 scheduler processes; there is exactly one; leave the role out to have it "
       "added"},
      {"roles { name: 'worker' } roles { name: 'scheduler' count: 1 devices_per_rank { kind: "
       "'nvidia' count: 1 } }",
       "roles[1].devices_per_rank: the scheduler process uses no device; leave it out"},
      {"roles { name: 'worker' } roles { name: 'server' } mindspore { sim_level: 0 }",
       "roles[1]: a simulation has no server process; leave the role out, or mindspore.sim_level"},
      {"devices_per_rank { kind: 'ascend' count: 2 }",
       "devices_per_rank.count: a MindSpore process drives one device, not 2; use 1, and "
       "one rank for each device"},
      {"devices_per_rank { kind: 'ascend' count: 1 visible: VISIBLE_DEVICES_RANK }",
       "devices_per_rank.visible: contract 'mindspore' finds a rank's device by DEVICE_ID; "
       "use host"},
      {"devices_per_rank { kind: 'mlu' count: 1 }",
       "devices_per_rank.kind: 'mlu' is not for contract 'mindspore': MindSpore runs on "
       "nvidia, ascend and CPUs; use one of these"},
      {"mindspore { sched_port: 65536 }",
       "mindspore.sched_port: 65536 is not a port; use 1 to 65535, or leave it out to have a free "
       "one"},
      {"mindspore { sched_port: -1 }",
       "mindspore.sched_port: -1 is not a port; use 1 to 65535, or leave it out to have a free "
       "one"},
      {"mindspore { sim_level: 4 }", "mindspore.sim_level: there is no level 4; use 0 to 3"},
      {"mindspore { sim_level: -1 }", "mindspore.sim_level: there is no level -1; use 0 to 3"},
      {"mindspore { sim_rank_id: 0 }",
       "mindspore.sim_rank_id: it is for simulations; add mindspore.sim_level, or leave it out"},
      {"mindspore { sim_worker_num: 8 }",
       "mindspore.sim_worker_num: it is for simulations; add mindspore.sim_level, or leave it out"},
      {"ranks_per_node: 4 mindspore { sim_level: 1 sim_rank_id: 4 }",
       "mindspore.sim_rank_id: there is no rank 4 among 4; use 0 to 3"},
      {"mindspore { sim_level: 1 sim_rank_id: -2 }",
       "mindspore.sim_rank_id: -2 is not a rank; use a rank, or leave it out to simulate all"},
      {"mindspore { sim_level: 1 sim_worker_num: 4 }",
       "mindspore.sim_worker_num: 4 ranks, of which one is simulated; give a positive number "
       "together with mindspore.sim_rank_id"},
      {"mindspore { sim_level: 1 recovery: true }",
       "mindspore.recovery: a simulation has no cluster to come back to; leave it out"},
      {"mindspore { recovery_path: '/r' }",
       "mindspore.recovery_path: nothing is kept there without recovery; set mindspore.recovery: "
       "true, or leave it out"},
      {"restart { scope: RESTART_SCOPE_RANK }",
       "restart.scope: the cluster takes a restarted process back only with recovery; set "
       "mindspore.recovery: true, or use gang"},
      {"mindspore { rank_table_file: 't.json' }",
       "mindspore.rank_table_file: 't.json' is not an absolute path; begin it with '/'"},
      {"mindspore { tls_config_file: 't.json' }",
       "mindspore.tls_config_file: 't.json' is not an absolute path; begin it with '/'"},
      {"mindspore { worker_log_name: 'a/b' }",
       "mindspore.worker_log_name: 'a/b': a file name has no '/'; see logs.dir; {ip} and "
       "{hostname} "
       "are filled in here, and the rank is added"},
  };
  for (const auto& test : kCases) {
    const LaunchCase job(absl::StrCat("contract: 'mindspore' command: 'x' ", test.spec));
    EXPECT_EQ(CheckContract(job.spec), absl::InvalidArgumentError(test.message)) << test.spec;
  }
}

}  // namespace
}  // namespace muster
