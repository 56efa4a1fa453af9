#include "ctl/frontend/msrun/log_excerpt.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

std::string Excerpt(const std::string& text, size_t max_lines = 100) {
  LogTail tail;
  tail.text = text;
  return ErrorExcerpt("w.log", tail, max_lines);
}

TEST(LogExcerptTest, ShowsErrorsWithTheirContext) {
  EXPECT_EQ(Excerpt("1\n2\n3\n4\n5\n6\n7 Error\n8\n9\n"),
            "w.log-2-2\nw.log-3-3\nw.log-4-4\nw.log-5-5\nw.log-6-6\nw.log:7:7 Error\nw.log-8-8\n"
            "w.log-9-9\n");
  EXPECT_EQ(Excerpt("fine\n"), "");
}

TEST(LogExcerptTest, PartsGroupsAndShowsNoLineTwice) {
  std::string text = "ERROR\n";
  for (int i = 0; i < 12; ++i) text += "-\n";
  text += "CRITICAL\nTraceback\n";
  EXPECT_EQ(Excerpt(text),
            "w.log:1:ERROR\nw.log-2--\nw.log-3--\nw.log-4--\nw.log-5--\nw.log-6--\n--\n"
            "w.log-9--\nw.log-10--\nw.log-11--\nw.log-12--\nw.log-13--\nw.log:14:CRITICAL\n"
            "w.log:15:Traceback\n");
}

TEST(LogExcerptTest, EndsAtTheLimit) {
  EXPECT_EQ(Excerpt("Error\nError\nError\n", 2),
            "w.log:1:Error\nw.log:2:Error\nw.log: more of it is in the file\n");
}

TEST(LogExcerptTest, ReadsTheEndOfALongFile) {
  const TempTree tree;
  const std::string path = tree.Write("w.log", "first\nsecond\nthird Error\n");
  const LogTail tail = ReadLogTail(path, 14);
  EXPECT_EQ(tail.text, "third Error\n");
  EXPECT_EQ(tail.lines_before, 2U);
  EXPECT_EQ(ErrorExcerpt("w", tail, 9), "w:3:third Error\n");
}

TEST(LogExcerptTest, LastLines) {
  EXPECT_EQ(LastLines("a\nb\nc\n", 2), "b\nc\n");
  EXPECT_EQ(LastLines("a", 2), "a\n");
  EXPECT_EQ(LastLines("", 2), "");
}

TEST(LogExcerptTest, ReadsTheSchedulersLines) {
  const std::string log =
      "x The node: 3 is timed out. It may exit with exception.\n"
      "The new node: 0 is registered successfully. Currently registered node number: 2, expected "
      "node number: 4\n"
      "The new node: 1 is registered successfully. Currently registered node number: 3, expected "
      "node number: 4\n";
  EXPECT_EQ(TimedOutNodes(log), std::vector<std::string>{"3"});
  const auto registered = LastRegistered(log);
  ASSERT_TRUE(registered.has_value());
  EXPECT_EQ(registered->present, 3);
  EXPECT_EQ(registered->expected, 4);
  EXPECT_FALSE(LastRegistered("nothing\n").has_value());
}

}  // namespace
}  // namespace muster
