#include "common/base/failpoint.h"

#include <signal.h>
#include <stdlib.h>

#include "gtest/gtest.h"

namespace muster {
namespace {

#ifdef MUSTER_NO_FAILPOINTS

TEST(FailpointTest, AReleaseHasNone) {
  setenv("MUSTER_FAILPOINT", "journal", 1);
  setenv("MUSTER_PLANT", "dedupe", 1);
  Failpoint("journal");
  static_assert(!Planted("dedupe"), "the compiler must be able to leave out what it guards");
}

#else

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

TEST_F(FailpointDeathTest, MayStandStillBeforeItKills) {
  EXPECT_EXIT(Pass("journal:2:20", 1), ::testing::ExitedWithCode(7), "");
  EXPECT_EXIT(Pass("journal:2:20", 2), ::testing::KilledBySignal(SIGKILL), "");
}

TEST_F(FailpointDeathTest, PassesPointsOfOtherNames) {
  EXPECT_EXIT(Pass("journal2", 9), ::testing::ExitedWithCode(7), "");
  EXPECT_EXIT(Pass("journa", 9), ::testing::ExitedWithCode(7), "");
  EXPECT_EXIT(Pass("", 9), ::testing::ExitedWithCode(7), "");
}

TEST_F(FailpointDeathTest, DoesNothingWhereNoneIsArmed) {
  EXPECT_EXIT(Pass(nullptr, 9), ::testing::ExitedWithCode(7), "");
}

// Exits 1 when "dedupe" is planted, else 0.
[[noreturn]] void ExitWithPlanted(const char* value) {
  if (value != nullptr) setenv("MUSTER_PLANT", value, 1);
  exit(Planted("dedupe") ? 1 : 0);
}

TEST_F(FailpointDeathTest, PlantsTheBugsOfTheListAndNoOthers) {
  for (const char* value : {"dedupe", "fence,dedupe", "dedupe,fence", "a,dedupe,b"}) {
    EXPECT_EXIT(ExitWithPlanted(value), ::testing::ExitedWithCode(1), "") << value;
  }
  for (const char* value : {"", ",", "dedup", "dedupes", "fence,dedupes"}) {
    EXPECT_EXIT(ExitWithPlanted(value), ::testing::ExitedWithCode(0), "") << value;
  }
  EXPECT_EXIT(ExitWithPlanted(nullptr), ::testing::ExitedWithCode(0), "");
}

#endif

}  // namespace
}  // namespace muster
