// Compares what every rank gets with tests/golden/, whole: a variable too many is as wrong as one
// too few.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/fs.h"
#include "tests/launch/launch_case.h"

namespace muster {
namespace {

using Lines = std::map<std::string, std::string>;  // Variable, `argv`, `out` or `err` → value.

constexpr char kEveryRank[] = "every rank";

// The sections of a golden file, each with what `[every rank]` says on top.
std::map<std::string, Lines> ReadGolden(const std::string& name) {
  const absl::StatusOr<std::string> text = ReadFile(absl::StrCat("tests/golden/", name));
  EXPECT_TRUE(text.ok()) << text.status();
  std::map<std::string, Lines> sections;
  if (!text.ok()) return sections;
  std::string section;
  for (absl::string_view line : absl::StrSplit(*text, '\n')) {
    line = absl::StripAsciiWhitespace(line.substr(0, line.find("# ")));
    if (line.empty()) continue;
    if (absl::ConsumePrefix(&line, "[")) {
      section = std::string(absl::StripSuffix(line, "]"));
      if (section != kEveryRank) sections[section] = sections[kEveryRank];
      continue;
    }
    const std::pair<std::string, std::string> entry = absl::StrSplit(line, absl::MaxSplits('=', 1));
    EXPECT_TRUE(sections[section].insert(entry).second) << name << ": " << section << ": " << line;
  }
  sections.erase(kEveryRank);
  return sections;
}

Lines LinesOf(const RenderedRank& rendered) {
  Lines lines = rendered.env;
  lines["argv"] = absl::StrJoin(rendered.argv, " ");
  lines["out"] = rendered.logs.out;
  lines["err"] = rendered.logs.err;
  return lines;
}

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
  const std::map<std::string, Lines> golden = ReadGolden(GetParam().golden);
  EXPECT_EQ(static_cast<int>(golden.size()), 4 * GetParam().nodes);
  for (int node = 0; node < GetParam().nodes; ++node) {
    for (int local = 0; local < 4; ++local) {
      const absl::StatusOr<RenderedRank> rendered = job.Render(node, local);
      ASSERT_TRUE(rendered.ok()) << rendered.status();
      const std::string section = absl::StrCat("rank ", node * 4 + local);
      ASSERT_EQ(golden.count(section), 1u) << section;
      EXPECT_EQ(LinesOf(*rendered), golden.at(section)) << section;
      EXPECT_TRUE(rendered->files.empty());
      EXPECT_TRUE(rendered->notes.empty());
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
