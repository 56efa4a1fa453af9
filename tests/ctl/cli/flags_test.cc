#include "ctl/cli/flags.h"

#include "common/rpc/error_details.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

class FlagsTest : public testing::Test {
 protected:
  absl::Status Parse(const std::vector<std::string>& words, bool first_argument_ends = false) {
    return FlagParser(specs_, first_argument_ends).Parse(words, &flags_, &arguments_);
  }

  const std::vector<FlagSpec> specs_ = {
      {"follow", 'f', FlagType::kBool, "", ""},
      {"max_restarts", 'm', FlagType::kInt, "N", ""},
      {"timeout", 0, FlagType::kDuration, "TIME", ""},
      {"output", 'o', FlagType::kChoice, "table|json", ""},
      {"env", 'e', FlagType::kList, "K=V", ""},
  };
  Flags flags_;
  std::vector<std::string> arguments_;
};

TEST_F(FlagsTest, TakesDashesAndUnderscores) {
  ASSERT_TRUE(Parse({"--max-restarts=3"}).ok());
  EXPECT_EQ(flags_.Int("max_restarts", 0), 3);
  ASSERT_TRUE(Parse({"--max_restarts", "4"}).ok());
  EXPECT_EQ(flags_.Int("max_restarts", 0), 4);
}

TEST_F(FlagsTest, MixesFlagsAndArguments) {
  ASSERT_TRUE(Parse({"a", "-f", "b", "-o", "json", "c"}).ok());
  EXPECT_TRUE(flags_.Bool("follow"));
  EXPECT_EQ(flags_.String("output"), "json");
  EXPECT_EQ(arguments_, (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(FlagsTest, GroupsShortFlagsAndTakesAttachedValues) {
  ASSERT_TRUE(Parse({"-fojson", "-m=2"}).ok());
  EXPECT_TRUE(flags_.Bool("follow"));
  EXPECT_EQ(flags_.String("output"), "json");
  EXPECT_EQ(flags_.Int("max_restarts", 0), 2);
}

TEST_F(FlagsTest, NegatesSwitches) {
  ASSERT_TRUE(Parse({"--no-follow"}).ok());
  EXPECT_TRUE(flags_.Has("follow"));
  EXPECT_FALSE(flags_.Bool("follow", true));
}

TEST_F(FlagsTest, EndsAtTwoDashes) {
  ASSERT_TRUE(Parse({"x", "--", "-f", "--", "y"}).ok());
  EXPECT_FALSE(flags_.Has("follow"));
  EXPECT_EQ(arguments_, (std::vector<std::string>{"x", "-f", "--", "y"}));
}

TEST_F(FlagsTest, LeavesTheCommandOfRunAlone) {
  ASSERT_TRUE(Parse({"-f", "python3", "--max-restarts", "x"}, /*first_argument_ends=*/true).ok());
  EXPECT_EQ(arguments_, (std::vector<std::string>{"python3", "--max-restarts", "x"}));
}

TEST_F(FlagsTest, TakesASingleDashAsAnArgument) {
  ASSERT_TRUE(Parse({"-"}).ok());
  EXPECT_EQ(arguments_, (std::vector<std::string>{"-"}));
}

TEST_F(FlagsTest, CollectsLists) {
  ASSERT_TRUE(Parse({"-e", "A=1", "--env=B=2=3"}).ok());
  EXPECT_EQ(flags_.List("env"), (std::vector<std::string>{"A=1", "B=2=3"}));
}

TEST_F(FlagsTest, ReadsDurationsAndBareSeconds) {
  ASSERT_TRUE(Parse({"--timeout=1m30s"}).ok());
  EXPECT_EQ(flags_.Duration("timeout", absl::ZeroDuration()), absl::Seconds(90));
  ASSERT_TRUE(Parse({"--timeout", "2.5"}).ok());
  EXPECT_EQ(flags_.Duration("timeout", absl::ZeroDuration()), absl::Milliseconds(2500));
}

TEST_F(FlagsTest, SuggestsTheNearestFlag) {
  const absl::Status status = Parse({"--max-restart=1"});
  EXPECT_EQ(status.message(), "unknown flag --max-restart");
  EXPECT_EQ(DetailsOf(status).errors(0).hint(), "did you mean --max-restarts?");
}

TEST_F(FlagsTest, SuggestsTwoDashesForALongFlagWithOne) {
  const absl::Status status = Parse({"-timeout=3"});
  EXPECT_EQ(status.message(), "unknown flag -timeout=3");
  EXPECT_EQ(DetailsOf(status).errors(0).hint(), "did you mean --timeout?");
}

TEST_F(FlagsTest, SaysWhatAValueShouldBe) {
  EXPECT_EQ(Parse({"-o", "xml"}).message(), "--output: 'xml' is not one of table, json");
  EXPECT_EQ(Parse({"--max-restarts=many"}).message(), "--max-restarts: 'many' is not a number");
  EXPECT_EQ(Parse({"--max-restarts=-1"}).message(),
            "--max-restarts: '-1' is not a number of at least 0");
  EXPECT_EQ(Parse({"--timeout=soon"}).message(),
            "--timeout: 'soon' is not a duration such as 500ms, 30s or 1h30m");
  EXPECT_EQ(Parse({"--timeout"}).message(), "--timeout needs a value: --timeout=TIME");
}

}  // namespace
}  // namespace muster
