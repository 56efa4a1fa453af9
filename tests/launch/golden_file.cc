#include "tests/launch/golden_file.h"

#include <gtest/gtest.h>

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/fs.h"

namespace muster {
namespace {

constexpr char kEvery[] = "every ";

}  // namespace

std::map<std::string, GoldenLines> ReadGolden(const std::string& name) {
  const absl::StatusOr<std::string> text = ReadFile(absl::StrCat("tests/golden/", name));
  EXPECT_TRUE(text.ok()) << text.status();
  std::map<std::string, GoldenLines> sections;
  if (!text.ok()) return sections;
  std::string section;
  for (absl::string_view line : absl::StrSplit(*text, '\n')) {
    line = absl::StripAsciiWhitespace(line.substr(0, line.find("# ")));
    if (line.empty()) continue;
    if (absl::ConsumePrefix(&line, "[")) {
      section = std::string(absl::StripSuffix(line, "]"));
      if (absl::StartsWith(section, kEvery)) continue;
      const std::string kind = section.substr(0, section.find(' '));
      sections[section] = sections[absl::StrCat(kEvery, "rank")];
      for (const auto& entry : sections[absl::StrCat(kEvery, kind)]) {
        sections[section].insert(entry);
      }
      continue;
    }
    const std::pair<std::string, std::string> entry = absl::StrSplit(line, absl::MaxSplits('=', 1));
    EXPECT_TRUE(sections[section].insert(entry).second) << name << ": " << section << ": " << line;
  }
  for (auto it = sections.begin(); it != sections.end();) {
    it = absl::StartsWith(it->first, kEvery) ? sections.erase(it) : std::next(it);
  }
  return sections;
}

GoldenLines LinesOf(const RenderedRank& rendered) {
  GoldenLines lines = rendered.env;
  lines["argv"] = absl::StrJoin(rendered.argv, " ");
  lines["out"] = rendered.logs.out;
  lines["err"] = rendered.logs.err;
  return lines;
}

}  // namespace muster
