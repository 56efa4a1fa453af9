#include "launch/rank_table.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "launch/rank_table_placement.h"
#include "launch/rank_table_reader.h"
#include "launch/registry.h"
#include "tests/launch/launch_case.h"

namespace muster {
namespace {

constexpr char kBare[] = "contract: 'rank_table' command: 'x' workdir: '/work' ";
constexpr char kJob[] =
    "contract: 'rank_table' command: 'x' workdir: '/work' "
    "devices_per_rank { kind: 'ascend' count: 1 } ";

// The table of a placement, written and read again: what HCCL would see.
absl::StatusOr<RankTable> TableOf(const LaunchCase& job) {
  const absl::StatusOr<RankTable> made = MakeRankTable(job.spec.rank_table(), job.placement);
  if (!made.ok()) return made.status();
  return ParseRankTable(WriteRankTable(*made));
}

TEST(RankTableTest, PhysicalNumbersStandInTheTableAndIndicesInTheEnvironment) {
  LaunchCase job(absl::StrCat(kJob, "ranks_per_node: 2"));
  job.placement.mutable_nodes(0)->mutable_devices(0)->set_physical(5);
  job.placement.mutable_nodes(0)->mutable_devices(1)->set_physical(7);
  const auto table = TableOf(job);
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->servers[0].devices[1].device_id, 7);
  const auto rank = job.Render(0, 1);
  ASSERT_TRUE(rank.ok()) << rank.status();
  EXPECT_EQ(rank->env.at("DEVICE_ID"), "1");
  EXPECT_EQ(rank->env.at("ASCEND_RT_VISIBLE_DEVICES"), "5,7");
}

TEST(RankTableTest, HostsOutOfTheOrderOfTheirAddressesAreNumbered) {
  LaunchCase job(absl::StrCat(kJob, "nodes { min: 2 }"));
  job.placement.mutable_nodes(0)->set_address("10.0.0.9");
  job.placement.mutable_nodes(1)->set_address("10.0.0.10");  // As a text it comes first.
  const auto table = TableOf(job);
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->servers[0].server_id, "node-00000");
  EXPECT_EQ(table->servers[0].addresses, std::vector<std::string>{"10.0.0.9"});
  EXPECT_EQ(table->servers[1].server_id, "node-00001");
  EXPECT_TRUE(MatchRankTable(*table, job.placement, 1).ok());
}

TEST(RankTableTest, OneHostNeedsNoAddressesAndSeveralDo) {
  LaunchCase one(absl::StrCat(kJob, "ranks_per_node: 2"));
  for (auto& device : *one.placement.mutable_nodes(0)->mutable_devices()) device.clear_address();
  EXPECT_TRUE(TableOf(one).ok()) << TableOf(one).status();
  LaunchCase two(absl::StrCat(kJob, "nodes { min: 2 }"));
  two.placement.mutable_nodes(1)->mutable_devices(0)->clear_address();
  EXPECT_EQ(two.Render(0, 0).status(),
            absl::InvalidArgumentError(
                "rank table: ascend 0 of node-1 has no address, and a job on several hosts needs "
                "one; set it with `hccn_tool`, or list it in /etc/hccn.conf, and start the agent "
                "again"));
}

TEST(RankTableTest, SuperPodsAreAsTheJobSays) {
  const LaunchCase job(absl::StrCat(
      kJob,
      "nodes { min: 2 } rank_table { version: '1.2' super_pods { key: 'node-0' value: 'a' } "
      "super_pods { key: 'node-1' value: 'b' } }"));
  const auto table = TableOf(job);
  ASSERT_TRUE(table.ok()) << table.status();
  ASSERT_EQ(table->super_pods.size(), 2u);
  EXPECT_EQ(table->super_pods[1].super_pod_id, "b");
  EXPECT_EQ(table->super_pods[1].server_ids, std::vector<std::string>{"127.0.0.2"});
}

TEST(RankTableTest, AHostInNoSuperPodIsNamed) {
  LaunchCase job(absl::StrCat(
      kJob,
      "nodes { min: 2 } rank_table { version: '1.2' super_pods { key: 'node-0' value: 'a' } "
      "}"));
  EXPECT_EQ(job.Render(0, 0).status(),
            absl::InvalidArgumentError("rank_table.super_pods: host node-1 is in none; add it, or "
                                       "leave all out"));
}

TEST(RankTableTest, ADeviceWithoutItsSuperPodIdIsNamed) {
  LaunchCase job(absl::StrCat(kJob, "rank_table { version: '1.2' }"));
  job.placement.mutable_nodes(0)->mutable_devices(0)->clear_super_device_id();
  EXPECT_EQ(std::string(job.Render(0, 0).status().message())
                .rfind("rank table: ascend 0 of node-0 has no super device id", 0),
            0u);
}

TEST(RankTableTest, ProcessesMayHaveDirectoriesOfTheirOwn) {
  LaunchCase one(absl::StrCat(kJob, "ranks_per_node: 2 rank_table { device_dirs: true }"));
  EXPECT_EQ(one.Render(0, 1)->workdir, "/work/device1");
  LaunchCase two(absl::StrCat(kJob, "nodes { min: 2 } rank_table { device_dirs: true }"));
  EXPECT_EQ(two.Render(1, 0)->workdir, "/work/device_1");
}

// A job with the user's own table, and what the host says of it.
absl::Status CheckOwnTable(const std::string& bytes) {
  LaunchCase job(
      absl::StrCat(kJob, "nodes { min: 2 } ranks_per_node: 2 rank_table { file: '/t.json' }"));
  const auto rank = job.Render(1, 0);
  EXPECT_TRUE(rank.ok()) << rank.status();
  EXPECT_TRUE(rank->files.empty());
  EXPECT_EQ(rank->env.at("RANK_TABLE_FILE"), "/t.json");
  EXPECT_EQ(rank->inputs.size(), 1u);
  return rank->inputs[0].check(bytes);
}

std::string GeneratedTable(const std::string& shape) {
  const LaunchCase job(absl::StrCat(kJob, shape));
  return WriteRankTable(*MakeRankTable(job.spec.rank_table(), job.placement));
}

TEST(RankTableTest, TheUsersTableIsTakenWhenItFits) {
  const absl::Status status = CheckOwnTable(GeneratedTable("nodes { min: 2 } ranks_per_node: 2"));
  EXPECT_TRUE(status.ok()) << status;
}

TEST(RankTableTest, TheUsersTableIsRefusedWhenItDoesNotFit) {
  std::string table = GeneratedTable("nodes { min: 2 } ranks_per_node: 2");
  EXPECT_EQ(CheckOwnTable(GeneratedTable("nodes { min: 2 } ranks_per_node: 4")),
            absl::InvalidArgumentError("/t.json: it lists 8 devices, and the job has 4 ranks"));
  EXPECT_EQ(CheckOwnTable(GeneratedTable("ranks_per_node: 4")),
            absl::InvalidArgumentError(
                "/t.json: it has no server for host node-1, neither by its name nor as 127.0.0.2"));
  EXPECT_EQ(CheckOwnTable("{"),
            absl::InvalidArgumentError("/t.json: line 1, column 2: it is not JSON from here on"));
  const size_t last = table.rfind("\"device_id\": \"1\"");
  table.replace(last, 16, "\"device_id\": \"6\"");
  EXPECT_EQ(CheckOwnTable(table), absl::InvalidArgumentError(
                                      "/t.json: server \"127.0.0.2\" lists no device 1, and rank 3 "
                                      "has ascend 1 of node-1"));
}

TEST(RankTableTest, RanksOfTheUsersTableMustBeTheJobs) {
  LaunchCase job(absl::StrCat(kJob, "ranks_per_node: 2"));
  RankTable table = *MakeRankTable(job.spec.rank_table(), job.placement);
  std::swap(table.servers[0].devices[0].rank_id, table.servers[0].devices[1].rank_id);
  EXPECT_EQ(MatchRankTable(table, job.placement, 0),
            absl::InvalidArgumentError(
                "device 0 of server \"127.0.0.1\" has rank 1 there, and rank 0 in this job, which "
                "numbers them by host, then by device"));
}

TEST(RankTableTest, TheOnlyServerIsTheOnlyHostWhateverItsName) {
  LaunchCase job(absl::StrCat(kJob, "ranks_per_node: 2"));
  RankTable table = *MakeRankTable(job.spec.rank_table(), job.placement);
  table.servers[0].server_id = "192.0.2.7";
  EXPECT_TRUE(MatchRankTable(table, job.placement, 0).ok());
}

TEST(RankTableTest, RefusesWhatItCannotRun) {
  const struct {
    const char* spec;
    const char* message;
  } kCases[] = {
      {"mode: 'm'", "mode: contract 'rank_table' has no mode 'm'; leave it out"},
      {"roles { name: 'a' } roles { name: 'b' }",
       "roles: contract 'rank_table' has one kind of processes, not 2; say ranks_per_node instead"},
      {"devices_per_rank { kind: 'ascend' count: 2 }",
       "devices_per_rank.count: a process of contract 'rank_table' drives one device, not 2; use "
       "1, "
       "and one rank for each device"},
      {"devices_per_rank { kind: 'ascend' count: 1 visible: VISIBLE_DEVICES_RANK }",
       "devices_per_rank.visible: contract 'rank_table' finds a rank's device by DEVICE_ID; use "
       "host"},
      {"rank_table { version: '1.1' }",
       "rank_table.version: there is no version '1.1'; use 1.0, or 1.2 for Atlas A3 super pods"},
      {"rank_table { super_pods { key: 'a' value: 'b' } }",
       "rank_table.super_pods: tables have super pods from version 1.2 on; set rank_table.version: "
       "\"1.2\", or leave it out"},
      {"rank_table { file: 't.json' }",
       "rank_table.file: 't.json' is not an absolute path; begin it with '/'"},
      {"rank_table { file: '/t.json' version: '1.0' }",
       "rank_table.file: a table that is there has its own version and super pods; leave out "
       "'version' and 'super_pods'"},
      {"restart { scope: RESTART_SCOPE_RANK }",
       "restart.scope: contract 'rank_table' cannot take a single process back into a running job; "
       "use gang"},
      {"env { key: 'MINDSPORE_HCCL_CONFIG_PATH' value: '/t' }",
       "env.MINDSPORE_HCCL_CONFIG_PATH: it wins over RANK_TABLE_FILE; name the table in "
       "rank_table.file"},
      {"env { key: 'ASCEND_RT_VISIBLE_DEVICES' value: '0' }",
       "env.ASCEND_RT_VISIBLE_DEVICES: the table lists all devices of the job; leave it out, and "
       "ask for devices by count"},
  };
  for (const auto& test : kCases) {
    const bool own_devices = absl::StartsWith(test.spec, "devices_per_rank");
    const LaunchCase job(absl::StrCat(own_devices ? kBare : kJob, test.spec));
    EXPECT_EQ(CheckContract(job.spec), absl::InvalidArgumentError(test.message)) << test.spec;
  }
}

}  // namespace
}  // namespace muster
