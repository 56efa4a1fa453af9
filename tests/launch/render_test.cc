#include "launch/render.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "launch/registry.h"
#include "launch/sample_placement.h"
#include "tests/launch/launch_case.h"

namespace muster {
namespace {

TEST(RenderTest, LaterSourcesWin) {
  LaunchCase job(
      "command: 'x' env { key: 'A' value: 'job' } env { key: 'B' value: 'job' } "
      "env { key: 'MUSTER_RANK' value: '77' } "
      "roles { name: 'worker' env { key: 'B' value: 'role' } }");
  job.base_env = {{"A", "agent"}, {"C", "agent"}};
  const auto rendered = job.Render(0, 0);
  ASSERT_TRUE(rendered.ok()) << rendered.status();
  EXPECT_EQ(rendered->env.at("A"), "job");
  EXPECT_EQ(rendered->env.at("B"), "role");
  EXPECT_EQ(rendered->env.at("C"), "agent");
  EXPECT_EQ(rendered->env.at("MUSTER_RANK"), "0");
}

TEST(RenderTest, WhatAnotherLauncherLeftBehindIsClearedAndSaid) {
  LaunchCase job("command: 'x'");
  job.base_env = {{"RANK", "3"},           {"OMPI_COMM_WORLD_RANK", "3"}, {"PATH", "/bin"},
                  {"MUSTER_DEVICES", "x"}, {"MUSTER_RANK_DEVICES", "9"},  {"RANKING", "1"}};
  const auto rendered = job.Render(0, 0);
  ASSERT_TRUE(rendered.ok()) << rendered.status();
  EXPECT_EQ(rendered->env.count("RANK"), 0u);
  EXPECT_EQ(rendered->env.count("OMPI_COMM_WORLD_RANK"), 0u);
  EXPECT_EQ(rendered->env.count("MUSTER_RANK_DEVICES"), 0u);
  EXPECT_EQ(rendered->env.at("PATH"), "/bin");
  EXPECT_EQ(rendered->env.at("RANKING"), "1");
  EXPECT_EQ(rendered->env.at("MUSTER_DEVICES"), "x");
  ASSERT_EQ(rendered->notes.size(), 1u);
  EXPECT_EQ(rendered->notes[0],
            "cleared RANK, OMPI_COMM_WORLD_RANK, MUSTER_RANK_DEVICES: left by another launcher; "
            "name them in `env` to keep them");
}

TEST(RenderTest, WhatTheUserSetsIsNoLeftover) {
  LaunchCase job("command: 'x' env { key: 'RANK' value: '5' }");
  job.base_env = {{"RANK", "3"}};
  EXPECT_EQ(job.Render(0, 0)->env.at("RANK"), "5");
}

TEST(RenderTest, ARoleMayHaveItsOwnCommand) {
  LaunchCase job("command: 'x' command: 'y' roles { name: 'a' } roles { name: 'b' command: 'z' }");
  EXPECT_EQ(job.Render(0, 0)->argv, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(job.Render(0, 1)->argv, (std::vector<std::string>{"z"}));
}

TEST(RenderTest, ARestartIsVisibleToTheRank) {
  LaunchCase job("command: 'x'");
  job.context.attempt = 4;
  job.context.rank_restarts = 2;
  const auto rendered = job.Render(0, 0);
  EXPECT_EQ(rendered->env.at("MUSTER_ATTEMPT"), "4");
  EXPECT_EQ(rendered->env.at("MUSTER_RANK_RESTARTS"), "2");
  EXPECT_EQ(rendered->env.at("MUSTER_FENCE_TOKEN"), "5");
}

TEST(RenderTest, LogsAreNamedOnlyInAFolderOfTheUsers) {
  LaunchCase job("command: 'x'");
  EXPECT_EQ(job.Render(0, 0)->logs.out, "");
  EXPECT_EQ(job.Render(0, 0)->logs.err, "");
}

TEST(RenderTest, LogNamesHaveEveryPlaceholderFilledIn) {
  LaunchCase job(
      "command: 'x' nodes { min: 2 } roles { name: 'a' count: 1 } roles { name: 'b' per_node: 2 } "
      "logs { dir: 'l' names: "
      "'{rank}.{role}.{role_rank}.{local_rank}.{node_rank}.{attempt}.{stream}'"
      " }");
  job.context.attempt = 3;
  EXPECT_EQ(job.Render(1, 1)->logs.out, "4.b.3.1.1.3.out");
  EXPECT_EQ(job.Render(1, 1)->logs.err, "4.b.3.1.1.3.err");
}

TEST(RenderTest, BothStreamsShareAFileWithoutTheStreamInItsNameOrOnATerminal) {
  LaunchCase shared("command: 'x' logs { dir: 'l' names: 'r{rank}' }");
  EXPECT_EQ(shared.Render(0, 0)->logs.err, shared.Render(0, 0)->logs.out);
  LaunchCase terminal("command: 'x' tty: true logs { dir: 'l' }");
  EXPECT_EQ(terminal.Render(0, 0)->logs.err, "rank-0.out");
}

TEST(RenderTest, AnUnknownContractIsNamedWithThoseThereAre) {
  LaunchCase job("command: 'x'");
  job.spec.set_contract("torchh");
  EXPECT_EQ(job.Render(0, 0).status(),
            absl::NotFoundError(absl::StrCat("contract: there is no contract 'torchh'; use one of ",
                                             absl::StrJoin(ContractNames(), ", "))));
}

TEST(RenderTest, AContextThatContradictsItselfIsRefused) {
  LaunchCase job("command: 'x' ranks_per_node: 2");
  job.placement.mutable_nodes(0)->mutable_ranks(1)->set_role("chief");
  EXPECT_EQ(job.Render(0, 1).status().code(), absl::StatusCode::kInternal);
}

TEST(RegistryTest, EveryContractIsFoundByItsName) {
  EXPECT_EQ(ContractNames(), (std::vector<std::string>{
                                 "mindspore", "paddle_collective", "paddle_heter", "paddle_ipu",
                                 "paddle_ps", "paddle_rpc", "plain", "rank_table", "torch"}));
  for (const std::string& name : ContractNames()) {
    const auto contract = FindContract(name);
    ASSERT_TRUE(contract.ok()) << contract.status();
    EXPECT_EQ((*contract)->name(), name);
  }
}

TEST(RegistryTest, AnUnknownContractIsAFaultOfTheSpec) {
  LaunchCase job("command: 'x'");
  job.spec.set_contract("ray");
  EXPECT_EQ(CheckContract(job.spec), absl::InvalidArgumentError(absl::StrCat(
                                         "contract: there is no contract 'ray'; use one of ",
                                         absl::StrJoin(ContractNames(), ", "))));
}

TEST(RegistryTest, PlainRefusesAMode) {
  LaunchCase job("command: 'x' mode: 'm'");
  EXPECT_EQ(CheckContract(job.spec),
            absl::InvalidArgumentError("mode: contract 'plain' has no mode 'm'; leave it out"));
}

TEST(SamplePlacementTest, PretendHostsHaveNamesAddressesDevicesAndPortsOfTheirOwn) {
  const LaunchCase job(
      "contract: 'torch' command: 'x' nodes { min: 2 max: 4 } ranks_per_node: 2 "
      "devices_per_rank { kind: 'nvidia' count: 2 }");
  ASSERT_EQ(job.placement.nodes_size(), 2);
  const v1::NodePlacement& second = job.placement.nodes(1);
  EXPECT_EQ(second.node_name(), "node-1");
  EXPECT_EQ(second.address(), "127.0.0.2");
  EXPECT_EQ(second.devices_size(), 4);
  EXPECT_EQ(second.devices(0).physical(), 0);
  EXPECT_EQ(second.ranks(1).rank(), 3);
  EXPECT_EQ(second.ranks(1).local_rank(), 1);
  EXPECT_EQ(second.ranks(1).devices(0), 2);
  EXPECT_EQ(job.placement.nodes(0).ranks(0).ports(0), 20000u);
  EXPECT_EQ(second.ranks(0).ports_size(), 0);
}

TEST(SamplePlacementTest, TheNumberOfHostsMayBeChosen) {
  EXPECT_EQ(LaunchCase("command: 'x' nodes { min: 1 max: 4 }", 3).placement.nodes_size(), 3);
}

}  // namespace
}  // namespace muster
