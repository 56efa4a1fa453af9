#include "ctl/view/shell_quote.h"

#include "gtest/gtest.h"

namespace muster {
namespace {

TEST(ShellQuoteTest, PlainWordsStayAsTheyAre) {
  EXPECT_EQ(ShellQuote("--lr=0.1,2"), "--lr=0.1,2");
  EXPECT_EQ(ShellQuote("/usr/bin/python3"), "/usr/bin/python3");
}

TEST(ShellQuoteTest, WhatAShellWouldChangeIsQuoted) {
  EXPECT_EQ(ShellQuote(""), "''");
  EXPECT_EQ(ShellQuote("two words"), "'two words'");
  EXPECT_EQ(ShellQuote("echo \"hello $NAME\""), "'echo \"hello $NAME\"'");
  EXPECT_EQ(ShellQuote("it's"), "'it'\"'\"'s'");
  EXPECT_EQ(ShellQuote("a\\n"), "'a\\n'");
  EXPECT_EQ(ShellQuote("grün"), "'grün'");
}

TEST(ShellQuoteTest, ALineBreakAndWhatSteersATerminalStayOnTheLine) {
  EXPECT_EQ(ShellQuote("import os\nprint('a\\b')"), "$'import os\\nprint(\\'a\\\\b\\')'");
  EXPECT_EQ(ShellQuote("\x1b[2J grün"), "$'\\033[2J grün'");
}

TEST(ShellCommandTest, JoinsQuotedWords) {
  EXPECT_EQ(ShellCommand({"sh", "-c", "echo a; sleep 1"}), "sh -c 'echo a; sleep 1'");
  EXPECT_EQ(ShellCommand({}), "");
}

}  // namespace
}  // namespace muster
