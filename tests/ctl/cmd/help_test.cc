#include "ctl/cli/help.h"

#include <cstdlib>
#include <set>

#include "common/base/fs.h"
#include "ctl/cli/exit_code.h"
#include "ctl/cmd/commands.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

// All help texts in one, as testdata/help.golden holds them.
std::string AllHelp() {
  std::string text = HelpText(AllCommands());
  for (const Command* command : AllCommands()) {
    text += "\n== " + command->name + "\n" + CommandHelpText(*command);
  }
  return text + "\n== exit-codes\n" + ExitCodesText();
}

// To renew it: run the test with MUSTER_GOLDEN_OUT naming a file, and copy that.
TEST(HelpTest, ReadsAsAgreed) {
  if (const char* out = std::getenv("MUSTER_GOLDEN_OUT")) {
    ASSERT_TRUE(WriteFile(out, AllHelp(), 0644).ok());
  }
  const absl::StatusOr<std::string> golden = ReadFile("tests/ctl/cmd/testdata/help.golden");
  ASSERT_TRUE(golden.ok()) << golden.status();
  EXPECT_EQ(AllHelp(), *golden);
}

TEST(HelpTest, EveryCommandHasExamplesAndASummary) {
  for (const Command* command : AllCommands()) {
    EXPECT_FALSE(command->examples.empty()) << command->name;
    EXPECT_FALSE(command->summary.empty()) << command->name;
    EXPECT_NE(command->run, nullptr) << command->name;
  }
}

TEST(HelpTest, NoTwoFlagsOfACommandShareALetter) {
  for (const Command* command : AllCommands()) {
    std::set<char> letters;
    for (const FlagSpec& flag : AllFlagsOf(*command)) {
      if (flag.short_name == 0) continue;
      EXPECT_TRUE(letters.insert(flag.short_name).second) << command->name << flag.short_name;
    }
  }
}

TEST(HelpTest, EveryExampleParses) {
  for (const Command* command : AllCommands()) {
    for (const Example& example : command->examples) {
      std::vector<std::string> words;
      std::string word;
      for (const char c : example.line + " ") {
        if (c == '<' || c == '$') break;  // What follows is the shell's.
        if (c != ' ') {
          word.push_back(c);
        } else if (!word.empty()) {
          words.push_back(word);
          word.clear();
        }
      }
      if (words.size() < 2 && command->min_arguments > 0) continue;
      EXPECT_TRUE(ParseCommandLine(AllCommands(), words).ok()) << example.line;
    }
  }
}

}  // namespace
}  // namespace muster
