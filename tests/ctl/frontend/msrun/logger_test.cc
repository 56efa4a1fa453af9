#include "ctl/frontend/msrun/logger.h"

#include <regex>
#include <string>

#include "gtest/gtest.h"

namespace muster {
namespace {

TEST(MsLogLineTest, HasMindSporesShape) {
  const std::string line =
      MsLogLine(MsLevel::kWarning, "text", absl::FromUnixMicros(1000123456), "f.cc", 7);
  EXPECT_TRUE(std::regex_match(
      line, std::regex(R"(\[WARNING\] ME\(\d+:\d+,MainProcess\):\d{4}(-\d\d){2}-\d\d:\d\d:\d\d)"
                       R"(\.123\.456 \[f\.cc:7\] text\n)")))
      << line;
}

TEST(MsLogLevelTest, IsGlogVAndByDefaultWarnings) {
  EXPECT_EQ(MsLogLevel(""), MsLevel::kWarning);
  EXPECT_EQ(MsLogLevel("0"), MsLevel::kDebug);
  EXPECT_EQ(MsLogLevel("3"), MsLevel::kError);
  EXPECT_EQ(MsLogLevel("x"), MsLevel::kWarning);
}

}  // namespace
}  // namespace muster
