#include "ctl/cli/command.h"

#include "common/rpc/error_details.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

class CommandTest : public testing::Test {
 protected:
  CommandTest() {
    logs_.name = "logs";
    logs_.aliases = {"log"};
    logs_.usage = "[JOB]";
    logs_.flags = {{"rank", 'r', FlagType::kString, "LIST", ""}};
    logs_.max_arguments = 1;
    wait_.name = "wait";
    wait_.flags = {{"timeout", 0, FlagType::kDuration, "TIME", "its own"}};
    wait_.min_arguments = 1;
  }
  absl::StatusOr<ParsedLine> Parse(const std::vector<std::string>& words) {
    return ParseCommandLine({&logs_, &wait_}, words);
  }

  Command logs_;
  Command wait_;
};

TEST_F(CommandTest, FindsTheVerbItsFlagsAndArguments) {
  const absl::StatusOr<ParsedLine> line = Parse({"logs", "--rank", "7", "job-1"});
  ASSERT_TRUE(line.ok());
  EXPECT_EQ(line->invocation.command, &logs_);
  EXPECT_EQ(line->invocation.flags.String("rank"), "7");
  EXPECT_EQ(line->invocation.arguments, std::vector<std::string>{"job-1"});
}

TEST_F(CommandTest, TakesGlobalFlagsOnBothSidesOfTheVerb) {
  const absl::StatusOr<ParsedLine> line = Parse({"--address=unix:/a", "log", "--color", "never"});
  ASSERT_TRUE(line.ok());
  EXPECT_EQ(line->invocation.flags.String("address"), "unix:/a");
  EXPECT_EQ(line->invocation.flags.String("color"), "never");
}

TEST_F(CommandTest, NamesTheNearestVerb) {
  const absl::Status status = Parse({"lgos"}).status();
  EXPECT_EQ(status.message(), "unknown command 'lgos'");
  EXPECT_EQ(DetailsOf(status).errors(0).hint(), "did you mean 'msctl logs'?");
}

TEST_F(CommandTest, CountsArguments) {
  EXPECT_EQ(Parse({"wait"}).status().message(), "'wait': too few arguments");
  EXPECT_EQ(Parse({"logs", "a", "b"}).status().message(), "'logs': too many arguments");
}

TEST_F(CommandTest, AsksForHelpBeforeItCounts) {
  const absl::StatusOr<ParsedLine> line = Parse({"wait", "--help"});
  ASSERT_TRUE(line.ok());
  EXPECT_TRUE(line->help);
  EXPECT_EQ(line->invocation.command, &wait_);
}

TEST_F(CommandTest, ShowsHelpWithoutAnyWord) {
  const absl::StatusOr<ParsedLine> line = Parse({});
  ASSERT_TRUE(line.ok());
  EXPECT_TRUE(line->help);
  EXPECT_EQ(line->invocation.command, nullptr);
}

TEST_F(CommandTest, AVerbsOwnFlagHidesTheGlobalOne) {
  int count = 0;
  for (const FlagSpec& flag : AllFlagsOf(wait_)) count += flag.name == "timeout" ? 1 : 0;
  EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace muster
