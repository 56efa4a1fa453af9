// Compares what every rank gets with tests/golden/, whole: a variable too many is as wrong as one
// too few.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/launch/golden_file.h"
#include "tests/launch/launch_case.h"

namespace muster {
namespace {

struct Case {
  std::string contract;
  int nodes;
  std::string golden;
};

class GoldenTest : public testing::TestWithParam<Case> {};

TEST_P(GoldenTest, EveryRankGetsExactlyWhatIsWritten) {
  LaunchCase job(absl::StrCat(
      "name: 'digits' contract: '", GetParam().contract, "' ranks_per_node: 4 nodes { min: ",
      GetParam().nodes, " } command: 'python3' command: 'train.py' restart { max_restarts: 2 } ",
      "devices_per_rank { kind: 'nvidia' count: 1 } logs { dir: 'logs' }"));
  job.context.attempt = 1;
  const std::map<std::string, GoldenLines> golden = ReadGolden(GetParam().golden);
  EXPECT_EQ(static_cast<int>(golden.size()), 4 * GetParam().nodes);
  for (int node = 0; node < GetParam().nodes; ++node) {
    for (int local = 0; local < 4; ++local) {
      const absl::StatusOr<RenderedRank> rendered = job.Render(node, local);
      ASSERT_TRUE(rendered.ok()) << rendered.status();
      const std::string section = absl::StrCat("rank ", node * 4 + local);
      ASSERT_EQ(golden.count(section), 1u) << section;
      EXPECT_EQ(LinesOf(*rendered), golden.at(section)) << section;
      EXPECT_TRUE(rendered->files.empty());
      // torchrun too says once that it has chosen the number of threads.
      EXPECT_EQ(rendered->notes.size(), GetParam().contract == "torch" && local == 0 ? 1u : 0u);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenTest,
                         testing::Values(Case{"plain", 1, "plain-1-host.golden"},
                                         Case{"plain", 2, "plain-2-hosts.golden"},
                                         Case{"torch", 1, "torch-1-host.golden"},
                                         Case{"torch", 2, "torch-2-hosts.golden"}));

}  // namespace
}  // namespace muster
