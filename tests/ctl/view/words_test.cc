#include "ctl/view/words.h"

#include "ctl/view/table.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

TEST(WordsTest, AgesHaveTwoUnitsAtMost) {
  EXPECT_EQ(AgeText(absl::Milliseconds(420)), "0.4s");
  EXPECT_EQ(AgeText(absl::Seconds(42)), "42s");
  EXPECT_EQ(AgeText(absl::Seconds(252)), "4m12s");
  EXPECT_EQ(AgeText(absl::Minutes(187)), "3h07m");
  EXPECT_EQ(AgeText(absl::Hours(292)), "12d4h");
  EXPECT_EQ(AgeText(-absl::Seconds(1)), "0.0s");
}

TEST(WordsTest, StatesAreTheirNames) {
  EXPECT_EQ(StateWord(v1::JOB_STATE_RUNNING), "running");
  EXPECT_EQ(StateWord(v1::RANK_STATE_EXITED), "exited");
  EXPECT_EQ(StateWord(v1::NODE_STATE_READY), "ready");
}

TEST(WordsTest, ExitsReadLikeInAShell) {
  v1::RankStatus rank;
  EXPECT_EQ(ExitWord(rank), "");
  rank.mutable_exit()->set_code(3);
  EXPECT_EQ(ExitWord(rank), "exit 3");
  rank.mutable_exit()->set_signal(9);
  rank.mutable_exit()->set_out_of_memory(true);
  EXPECT_EQ(ExitWord(rank), "out of memory (SIGKILL)");
}

TEST(WordsTest, CountsBytesAndRanges) {
  EXPECT_EQ(BytesText(512), "512 B");
  EXPECT_EQ(BytesText(int64_t{12} << 30), "12.0 GiB");
  EXPECT_EQ(Count(1, "rank"), "1 rank");
  EXPECT_EQ(Count(8, "rank"), "8 ranks");
  EXPECT_EQ(RangesText({0, 1, 2, 5, 7, 8}), "0-2,5,7-8");
}

TEST(WordsTest, TablesLineUpAlsoWithUtf8) {
  Table table({"NAME", "X"});
  table.Add({"größe", "1"});
  table.Add({"", "22"});
  EXPECT_EQ(table.Text(), "NAME   X\ngröße  1\n-      22\n");
}

}  // namespace
}  // namespace muster
