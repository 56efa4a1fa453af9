#include "ctl/frontend/msrun/logger.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

TEST(MsLogLineTest, HasMindSporesShape) {
  const std::string line =
      MsLogLine(MsLevel::kWarning, "text", absl::FromUnixMicros(1000123456), "f.cc", 7);
  EXPECT_THAT(line, ::testing::MatchesRegex("\\[WARNING\\] ME\\([0-9]+:[0-9]+,MainProcess\\):"
                                            "[0-9]{4}(-[0-9]{2}){2}-[0-9]{2}:[0-9]{2}:[0-9]{2}"
                                            "\\.123\\.456 \\[f\\.cc:7\\] text\n"));
}

TEST(MsLogLevelTest, IsGlogVAndByDefaultWarnings) {
  EXPECT_EQ(MsLogLevel(""), MsLevel::kWarning);
  EXPECT_EQ(MsLogLevel("0"), MsLevel::kDebug);
  EXPECT_EQ(MsLogLevel("3"), MsLevel::kError);
  EXPECT_EQ(MsLogLevel("x"), MsLevel::kWarning);
}

}  // namespace
}  // namespace muster
