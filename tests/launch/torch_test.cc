#include "launch/torch.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/launch/launch_case.h"

namespace muster {
namespace {

constexpr char kTwoRoles[] =
    "name: 'j' contract: 'torch' command: 'x' nodes { min: 2 } "
    "roles { name: 'server' count: 1 } roles { name: 'trainer' per_node: 2 }";

TEST(TorchTest, OnlyRankZeroOfTheFirstRoleNeedsAPort) {
  const LaunchCase job(kTwoRoles);
  const std::vector<RoleNeeds> needs = TorchContract().Needs(job.spec);
  ASSERT_EQ(needs.size(), 2u);
  EXPECT_EQ(needs[0].role, "server");
  EXPECT_EQ(needs[0].ports_on_first_rank, 1);
  EXPECT_EQ(needs[0].ports_per_rank, 0);
  EXPECT_EQ(needs[1].ports_on_first_rank, 0);
}

TEST(TorchTest, RolesShareOneWorldAndEachCountsItsOwn) {
  LaunchCase job(kTwoRoles);
  const auto trainer = job.Render(1, 0);  // Rank 2 of the trainers.
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  const auto& env = trainer->env;
  EXPECT_EQ(env.at("RANK"), "3");
  EXPECT_EQ(env.at("WORLD_SIZE"), "5");
  EXPECT_EQ(env.at("ROLE_NAME"), "trainer");
  EXPECT_EQ(env.at("ROLE_RANK"), "2");
  EXPECT_EQ(env.at("ROLE_WORLD_SIZE"), "4");
  EXPECT_EQ(env.at("LOCAL_RANK"), "0");
  EXPECT_EQ(env.at("LOCAL_WORLD_SIZE"), "2");
  EXPECT_EQ(env.at("MASTER_ADDR"), "127.0.0.1");
}

TEST(TorchTest, TheUsersNumberOfThreadsIsKeptWhereverItComesFrom) {
  LaunchCase by_spec(
      "contract: 'torch' command: 'x' ranks_per_node: 2 "
      "env { key: 'OMP_NUM_THREADS' value: '4' }");
  EXPECT_EQ(by_spec.Render(0, 0)->env.at("OMP_NUM_THREADS"), "4");
  LaunchCase by_agent("contract: 'torch' command: 'x' ranks_per_node: 2");
  by_agent.base_env["OMP_NUM_THREADS"] = "8";
  EXPECT_EQ(by_agent.Render(0, 0)->env.at("OMP_NUM_THREADS"), "8");
}

TEST(TorchTest, TheChosenNumberOfThreadsIsSaidOnceOnEachHost) {
  LaunchCase job("contract: 'torch' command: 'x' ranks_per_node: 2");
  EXPECT_EQ(
      job.Render(0, 0)->notes,
      std::vector<std::string>{"OMP_NUM_THREADS=1, for this host has 2 ranks; set it in `env` "
                               "to use more threads"});
  EXPECT_TRUE(job.Render(0, 1)->notes.empty());
  (*job.spec.mutable_env())["OMP_NUM_THREADS"] = "4";
  EXPECT_TRUE(job.Render(0, 0)->notes.empty());
}

TEST(TorchTest, EachAttemptCountsItsRestartsAndHasErrorFilesOfItsOwn) {
  LaunchCase job("contract: 'torch' command: 'x' ranks_per_node: 2 restart { max_restarts: 3 }");
  job.context.attempt = 2;
  job.context.gang_dir = "/gangs/digits/2";
  const auto rank = job.Render(0, 1);
  ASSERT_TRUE(rank.ok()) << rank.status();
  EXPECT_EQ(rank->env.at("TORCHELASTIC_RESTART_COUNT"), "2");
  EXPECT_EQ(rank->env.at("TORCHELASTIC_MAX_RESTARTS"), "3");
  EXPECT_EQ(rank->env.at("TORCHELASTIC_ERROR_FILE"), "/gangs/digits/2/torch-error-1.json");
}

TEST(TorchTest, ASingleRankOnAHostMayUseAllItsThreads) {
  LaunchCase job("contract: 'torch' command: 'x' nodes { min: 2 }");
  EXPECT_EQ(job.Render(0, 0)->env.count("OMP_NUM_THREADS"), 0u);
}

TEST(TorchTest, RefusesWhatItCannotRun) {
  const struct {
    const char* spec;
    const char* message;
  } kCases[] = {
      {"mode: 'fast'", "mode: contract 'torch' has no mode 'fast'; leave it out"},
      {"restart { scope: RESTART_SCOPE_RANK }",
       "restart.scope: contract 'torch' cannot take a single rank back into a running process "
       "group; use gang"},
      {"devices_per_rank { kind: 'xpu' count: 1 visible: VISIBLE_DEVICES_RANK }",
       "devices_per_rank.visible: contract 'torch' finds a rank's device by LOCAL_RANK; use host"},
      {"roles { name: 'a' } roles { name: 'b' devices_per_rank { kind: 'xpu' count: 1 "
       "visible: VISIBLE_DEVICES_RANK } }",
       "roles[1].devices_per_rank.visible: contract 'torch' finds a rank's device by LOCAL_RANK; "
       "use host"},
  };
  for (const auto& test : kCases) {
    LaunchCase job(std::string("contract: 'torch' command: 'x' ") + test.spec);
    const absl::Status status = TorchContract().Check(job.spec);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), test.message);
    EXPECT_EQ(job.Render(0, 0).status(), status);
  }
}

TEST(TorchTest, APlacementWithoutItsPortIsOurFault) {
  LaunchCase job("contract: 'torch' command: 'x'");
  job.placement.mutable_nodes(0)->mutable_ranks(0)->clear_ports();
  EXPECT_EQ(job.Render(0, 0).status().code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace muster
