// Compares what every process of a MindSpore job gets with tests/golden/, whole but for MUSTER_*,
// and the rank tables byte for byte.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/fs.h"
#include "tests/launch/golden_file.h"
#include "tests/launch/launch_case.h"

namespace muster {
namespace {

struct Case {
  std::string name;
  std::string spec;
  std::string golden;
  int attempt = 0;
  std::string table = "";  // Golden of the rank table; empty: the contract writes no file.
};

class MindSporeGoldenTest : public testing::TestWithParam<Case> {};

GoldenLines WithoutMuster(GoldenLines lines) {
  for (auto it = lines.begin(); it != lines.end();) {
    it = absl::StartsWith(it->first, "MUSTER_") ? lines.erase(it) : std::next(it);
  }
  return lines;
}

// A golden table without the remarks; JSON has none.
std::string ReadTable(const std::string& name) {
  const absl::StatusOr<std::string> text = ReadFile(absl::StrCat("tests/golden/", name));
  EXPECT_TRUE(text.ok()) << text.status();
  std::vector<std::string> lines;
  for (absl::string_view line : absl::StrSplit(text.ok() ? *text : "", '\n')) {
    lines.emplace_back(absl::StripTrailingAsciiWhitespace(line.substr(0, line.find("# "))));
  }
  return std::string(absl::StripSuffix(absl::StrJoin(lines, "\n"), "\n"));
}

TEST_P(MindSporeGoldenTest, EveryProcessGetsExactlyWhatIsWritten) {
  LaunchCase job(absl::StrCat("name: 'digits' command: 'python3' command: 'train.py' ",
                              "workdir: '/work' logs { dir: 'log' } ", GetParam().spec));
  job.context.attempt = GetParam().attempt;
  std::map<std::string, GoldenLines> golden = ReadGolden(GetParam().golden);
  for (int node = 0; node < job.placement.nodes_size(); ++node) {
    for (int i = 0; i < job.placement.nodes(node).ranks_size(); ++i) {
      const v1::RankPlacement& rank = job.placement.nodes(node).ranks(i);
      const std::string section = absl::StrCat(rank.role(), " ", rank.rank());
      const absl::StatusOr<RenderedRank> rendered = job.Render(node, i);
      ASSERT_TRUE(rendered.ok()) << rendered.status();
      ASSERT_EQ(golden.count(section), 1u) << section;
      EXPECT_EQ(WithoutMuster(LinesOf(*rendered)), golden[section]) << section;
      EXPECT_TRUE(rendered->notes.empty());
      EXPECT_EQ(rendered->workdir, "/work");
      // The table is written once on each host.
      ASSERT_EQ(rendered->files.size(), !GetParam().table.empty() && i == 0 ? 1u : 0u) << section;
      if (!rendered->files.empty()) {
        EXPECT_EQ(rendered->files[0].path, rendered->env.at("RANK_TABLE_FILE"));
        EXPECT_EQ(rendered->files[0].bytes, ReadTable(GetParam().table));
      }
      golden.erase(section);
    }
  }
  for (const auto& [section, lines] : golden) ADD_FAILURE() << "no such process: " << section;
}

constexpr char kWorkers[] = "contract: 'mindspore' ranks_per_node: 4 ";
constexpr char kTable[] =
    "contract: 'rank_table' ranks_per_node: 4 devices_per_rank { kind: 'ascend' count: 1 } ";
constexpr char kRecovery[] =
    "contract: 'mindspore' restart { scope: RESTART_SCOPE_RANK max_restarts: 3 } ";

std::vector<Case> Cases() {
  return {
      {"OneHost", absl::StrCat(kWorkers, "devices_per_rank { kind: 'nvidia' count: 1 }"),
       "mindspore-1-host.golden"},
      {"TwoHosts",
       absl::StrCat(kWorkers, "nodes { min: 2 } devices_per_rank { kind: 'ascend' count: 1 }"),
       "mindspore-2-hosts.golden"},
      {"Simulation", absl::StrCat(kWorkers, "mindspore { sim_level: 1 }"),
       "mindspore-simulation.golden"},
      {"SimulationOfOneRank",
       absl::StrCat(kWorkers, "nodes { min: 2 } mindspore { sim_level: 3 sim_rank_id: 5 }"),
       "mindspore-simulation-one-rank.golden"},
      {"ServersOneHost",
       "contract: 'mindspore' roles { name: 'server' count: 2 } roles { name: 'worker' per_node: "
       "4 }",
       "mindspore-servers-1-host.golden"},
      {"ServersTwoHosts",
       "contract: 'mindspore' nodes { min: 2 } roles { name: 'server' per_node: 1 } "
       "roles { name: 'worker' per_node: 4 devices_per_rank { kind: 'nvidia' count: 1 } } "
       "mindspore { sched_port: 8118 cluster_timeout { seconds: 90 } }",
       "mindspore-servers-2-hosts.golden"},
      {"RecoveryOneHost",
       absl::StrCat(kRecovery, "ranks_per_node: 4 mindspore { recovery: true cluster_timeout {} }"),
       "mindspore-recovery-1-host.golden", 1},
      {"RecoveryTwoHosts",
       absl::StrCat(kRecovery,
                    "ranks_per_node: 2 nodes { min: 2 } mindspore { recovery: true "
                    "recovery_path: 'recovery' cluster_timeout { seconds: -1 } }"),
       "mindspore-recovery-2-hosts.golden", 1},
      {"RankTableOneHost", kTable, "rank-table-1-host.golden", 0,
       "rank-table-1.0-1-host.json.golden"},
      {"RankTableTwoHosts", absl::StrCat(kTable, "nodes { min: 2 }"), "rank-table-2-hosts.golden",
       0, "rank-table-1.0-2-hosts.json.golden"},
      {"RankTableOfASuperPod",
       absl::StrCat(kTable, "nodes { min: 2 } rank_table { version: '1.2' }"),
       "rank-table-2-hosts.golden", 0, "rank-table-1.2-2-hosts.json.golden"},
  };
}

INSTANTIATE_TEST_SUITE_P(All, MindSporeGoldenTest, testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace muster
