#include "ctl/spec/source_excerpt.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_split.h"

namespace muster {
namespace {

TEST(SourceExcerptTest, ShowsTheLineAndPointsAtThePlace) {
  EXPECT_EQ(FormatFault("f", "a\n  bad: 1\n", {{2, 3, 3}, "it is bad", "make it good"}),
            "error: f:2:3: it is bad\n"
            "    2 |   bad: 1\n"
            "      |   ^~~\n"
            "help: make it good");
}

TEST(SourceExcerptTest, CountsCharactersNotBytes) {
  EXPECT_EQ(FormatFault("f", "\xC3\xA4\xC3\xB6: x", {{1, 7, 1}, "m", ""}),
            "error: f:1:5: m\n"
            "    1 | \xC3\xA4\xC3\xB6: x\n"
            "      |     ^");
}

TEST(SourceExcerptTest, ShowsNoControlCharacters) {
  EXPECT_EQ(FormatFault("f", "a\x1b[31m\tb\r\n", {{1, 8, 1}, "m", ""}),
            "error: f:1:8: m\n"
            "    1 | a?[31m b\n"
            "      |        ^");
}

TEST(SourceExcerptTest, CutsALongLineAroundThePlace) {
  const std::string text = std::string(5000, 'a') + "X" + std::string(5000, 'b');
  const std::vector<std::string> lines =
      absl::StrSplit(FormatFault("f", text, {{1, 5001, 4000}, "m", ""}), '\n');
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_LT(lines[1].size(), 200u);
  EXPECT_LE(lines[2].size(), lines[1].size());
  EXPECT_EQ(lines[1][lines[2].find('^')], 'X');
}

TEST(SourceExcerptTest, APlaceBeyondTheTextDoesNoHarm) {
  EXPECT_EQ(FormatFault("f", "a", {{9, 9, 9}, "m", ""}),
            "error: f:9:1: m\n"
            "    9 | \n"
            "      | ^");
}

TEST(SourceExcerptTest, FaultsComeInTheOrderOfTheirPlaces) {
  const std::string out =
      FormatFaults("f", "a\nb", {{{2, 1, 1}, "second", ""}, {{1, 1, 1}, "first", ""}});
  EXPECT_LT(out.find("first"), out.find("second"));
}

TEST(SourceExcerptTest, AnOffsetHasALineAndAColumn) {
  const SourcePlace place = PlaceOfOffset("ab\ncd", 4);
  EXPECT_EQ(place.line, 2);
  EXPECT_EQ(place.column, 2);
}

}  // namespace
}  // namespace muster
