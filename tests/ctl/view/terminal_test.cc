#include "ctl/view/terminal.h"

#include <map>

#include "gtest/gtest.h"

namespace muster {
namespace {

bool Color(bool is_tty, const std::string& flag, std::map<std::string, std::string> env) {
  return MakeTerminal(is_tty, flag,
                      [env](const std::string& name) {
                        const auto it = env.find(name);
                        return it == env.end() ? std::string() : it->second;
                      })
      .color;
}

TEST(TerminalTest, ColourIsForTerminals) {
  EXPECT_TRUE(Color(true, "auto", {}));
  EXPECT_FALSE(Color(false, "auto", {}));
}

TEST(TerminalTest, TheEnvironmentHasASay) {
  EXPECT_FALSE(Color(true, "", {{"NO_COLOR", "1"}}));
  EXPECT_TRUE(Color(true, "", {{"NO_COLOR", ""}}));
  EXPECT_FALSE(Color(true, "", {{"TERM", "dumb"}}));
  EXPECT_TRUE(Color(false, "", {{"CLICOLOR_FORCE", "1"}}));
}

TEST(TerminalTest, TheFlagHasTheLastWord) {
  EXPECT_TRUE(Color(false, "always", {{"NO_COLOR", "1"}}));
  EXPECT_FALSE(Color(true, "never", {{"CLICOLOR_FORCE", "1"}}));
}

TEST(TerminalTest, MarksAreWordsWithoutUtf8) {
  Terminal terminal;
  EXPECT_EQ(terminal.Mark(false), "failed:");
  terminal.utf8 = true;
  EXPECT_EQ(terminal.Mark(true), "✓");
}

TEST(TerminalTest, EscapesWhatSteersAndKeepsText) {
  EXPECT_EQ(EscapeForTerminal("a\x1b[2Jb\x7f", false), "a^[[2Jb^?");
  EXPECT_EQ(EscapeForTerminal("grün ✓\t", false), "grün ✓\t");
  EXPECT_EQ(EscapeForTerminal("\x1b[1;32mok\x1b[2J", true), "\x1b[1;32mok^[[2J\x1b[0m");
}

}  // namespace
}  // namespace muster
