// Compares what every rank of a Paddle job gets with tests/golden/paddle-*, whole but for MUSTER_*.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/launch/golden_file.h"
#include "tests/launch/launch_case.h"

namespace muster {
namespace {

struct Case {
  std::string name;
  std::string spec;
  std::string golden;
};

class PaddleGoldenTest : public testing::TestWithParam<Case> {};

GoldenLines WithoutMuster(GoldenLines lines) {
  for (auto it = lines.begin(); it != lines.end();) {
    it = absl::StartsWith(it->first, "MUSTER_") ? lines.erase(it) : std::next(it);
  }
  return lines;
}

// Puts the expectation in place of what fits its pattern.
void ResolvePatterns(const GoldenLines& expected, GoldenLines* lines) {
  for (const auto& [name, value] : expected) {
    if (!absl::StartsWith(value, "~") || lines->count(name) == 0) continue;
    const auto matches = ::testing::Matches(::testing::MatchesRegex(value.substr(1)));
    if (matches(lines->at(name))) (*lines)[name] = value;
  }
}

TEST_P(PaddleGoldenTest, EveryRankGetsExactlyWhatIsWritten) {
  LaunchCase job(absl::StrCat("name: 'digits' command: 'python3' command: 'train.py' ",
                              "workdir: '/work' logs { dir: 'log' } ", GetParam().spec));
  std::map<std::string, GoldenLines> golden = ReadGolden(GetParam().golden);
  for (int node = 0; node < job.placement.nodes_size(); ++node) {
    for (int i = 0; i < job.placement.nodes(node).ranks_size(); ++i) {
      const v1::RankPlacement& rank = job.placement.nodes(node).ranks(i);
      const std::string section = absl::StrCat(rank.role(), " ", rank.rank());
      const absl::StatusOr<RenderedRank> rendered = job.Render(node, i);
      ASSERT_TRUE(rendered.ok()) << rendered.status();
      ASSERT_EQ(golden.count(section), 1u) << section;
      GoldenLines lines = WithoutMuster(LinesOf(*rendered));
      ResolvePatterns(golden[section], &lines);
      EXPECT_EQ(lines, golden[section]) << section;
      EXPECT_TRUE(rendered->notes.empty());
      golden.erase(section);
    }
  }
  for (const auto& [section, lines] : golden) ADD_FAILURE() << "no such rank: " << section;
}

constexpr char kTrainers[] =
    "ranks_per_node: 4 devices_per_rank { kind: 'nvidia' count: 1 } contract: ";
constexpr char kOneHostOfServers[] =
    "roles { name: 'server' per_node: 2 } "
    "roles { name: 'trainer' per_node: 4 devices_per_rank { kind: 'nvidia' count: 1 } } ";
constexpr char kTwoHostsOfServers[] =
    "nodes { min: 2 } roles { name: 'server' per_node: 1 } "
    "roles { name: 'trainer' per_node: 2 devices_per_rank { kind: 'nvidia' count: 2 } } ";
constexpr char kStages[] =
    "contract: 'paddle_heter' roles { name: 'server' } roles { name: 'trainer' per_node: 2 } "
    "roles { name: 'heter-2' per_node: 2 devices_per_rank { kind: 'nvidia' count: 1 } } "
    "roles { name: 'heter-3' per_node: 2 devices_per_rank { kind: 'nvidia' count: 1 } } ";
constexpr char kPoprun[] =
    "contract: 'paddle_ipu' paddle { ipu_nproc_per_host: 2 ipus_per_replica: 1 "
    "ipu_partition: 'pod16' vipu_server: '127.0.0.9' ";

std::vector<Case> Cases() {
  const std::string legacy = "contract: 'paddle_ps' mode: 'legacy' ";
  return {
      {"Collective1", absl::StrCat(kTrainers, "'paddle_collective'"),
       "paddle-collective-1-host.golden"},
      {"Collective2", absl::StrCat(kTrainers, "'paddle_collective' nodes { min: 2 }"),
       "paddle-collective-2-hosts.golden"},
      {"Rpc1", absl::StrCat(kTrainers, "'paddle_rpc'"), "paddle-rpc-1-host.golden"},
      {"Rpc2", absl::StrCat(kTrainers, "'paddle_rpc' nodes { min: 2 }"),
       "paddle-rpc-2-hosts.golden"},
      {"Ps1", absl::StrCat("contract: 'paddle_ps' ", kOneHostOfServers), "paddle-ps-1-host.golden"},
      {"Ps2", absl::StrCat("contract: 'paddle_ps' ", kTwoHostsOfServers),
       "paddle-ps-2-hosts.golden"},
      {"PsLegacy1", absl::StrCat(legacy, kOneHostOfServers), "paddle-ps-legacy-1-host.golden"},
      {"PsLegacy2", absl::StrCat(legacy, kTwoHostsOfServers), "paddle-ps-legacy-2-hosts.golden"},
      {"Heter1", kStages, "paddle-heter-1-host.golden"},
      {"Heter2", absl::StrCat(kStages, "nodes { min: 2 }"), "paddle-heter-2-hosts.golden"},
      {"Ipu1", absl::StrCat(kPoprun, "ipu_devices: 4 ipu_hosts: 'h1' }"),
       "paddle-ipu-1-host.golden"},
      {"Ipu2", absl::StrCat(kPoprun, "ipu_devices: 8 ipu_hosts: 'h1' ipu_hosts: 'h2' }"),
       "paddle-ipu-2-hosts.golden"},
  };
}

INSTANTIATE_TEST_SUITE_P(All, PaddleGoldenTest, testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace muster
