#include "common/base/failpoint.h"

#include <signal.h>
#include <stdlib.h>

#include "gtest/gtest.h"

namespace muster {
namespace {

// Each case is a process of its own: a failpoint reads the environment once, and it kills.
class FailpointDeathTest : public ::testing::Test {
 protected:
  void SetUp() override { ::testing::FLAGS_gtest_death_test_style = "threadsafe"; }

  // Passes "journal" `passes` times under MUSTER_FAILPOINT=`value`, then exits 7.
  [[noreturn]] static void Pass(const char* value, int passes) {
    if (value != nullptr) setenv("MUSTER_FAILPOINT", value, 1);
    for (int i = 0; i < passes; ++i) Failpoint("journal");
    exit(7);
  }
};

TEST_F(FailpointDeathTest, KillsAtTheFirstPass) {
  EXPECT_EXIT(Pass("journal", 1), ::testing::KilledBySignal(SIGKILL), "");
}

TEST_F(FailpointDeathTest, KillsAtTheNthPassAndNotBefore) {
  EXPECT_EXIT(Pass("journal:3", 2), ::testing::ExitedWithCode(7), "");
  EXPECT_EXIT(Pass("journal:3", 3), ::testing::KilledBySignal(SIGKILL), "");
}

TEST_F(FailpointDeathTest, PassesPointsOfOtherNames) {
  EXPECT_EXIT(Pass("journal2", 9), ::testing::ExitedWithCode(7), "");
  EXPECT_EXIT(Pass("journa", 9), ::testing::ExitedWithCode(7), "");
  EXPECT_EXIT(Pass("", 9), ::testing::ExitedWithCode(7), "");
}

TEST_F(FailpointDeathTest, DoesNothingWhereNoneIsArmed) {
  EXPECT_EXIT(Pass(nullptr, 9), ::testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace muster
