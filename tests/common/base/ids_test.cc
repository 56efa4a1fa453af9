#include "common/base/ids.h"

#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using ::testing::MatchesRegex;

TEST(IdsTest, MakesHexadecimalDigits) {
  EXPECT_EQ(RandomHex(0), "");
  EXPECT_THAT(RandomHex(16), MatchesRegex("[0-9a-f]{16}"));
}

TEST(IdsTest, PutsTheJobsNameBeforeSixRandomDigits) {
  EXPECT_THAT(NewJobId("digits"), MatchesRegex("digits-[0-9a-f]{6}"));
}

TEST(IdsTest, MakesEachIdOnce) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(ids.insert(RandomHex(16)).second);
}

}  // namespace
}  // namespace muster
