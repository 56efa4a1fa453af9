#include "ctl/spec/value_text.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>

#include "muster/v1/job.pb.h"

namespace muster {
namespace {

TEST(ValueTextTest, SizesHaveBinaryAndDecimalUnits) {
  EXPECT_EQ(ParseByteSize("4096"), 4096);
  EXPECT_EQ(ParseByteSize("64KiB"), 65536);
  EXPECT_EQ(ParseByteSize("64Ki"), 65536);
  EXPECT_EQ(ParseByteSize("32Gi"), int64_t{32} << 30);
  EXPECT_EQ(ParseByteSize("2 MB"), 2000000);
  EXPECT_EQ(ParseByteSize("1k"), 1000);
  EXPECT_EQ(ParseByteSize("7B"), 7);
  EXPECT_EQ(ParseByteSize("unlimited"), -1);
  EXPECT_EQ(ParseByteSize("-1"), -1);
  for (const char* bad : {"", "Ki", "1.5GiB", "1Zi", "9999999999999999999", "9223372036854775807Ki",
                          "unlimite", "0x10"}) {
    EXPECT_EQ(ParseByteSize(bad), std::nullopt) << bad;
  }
}

TEST(ValueTextTest, SizesAreWrittenExactly) {
  for (const int64_t bytes : {int64_t{0}, int64_t{1}, int64_t{1000}, int64_t{1} << 10,
                              (int64_t{1} << 20) + 1, int64_t{3} << 40, INT64_MAX, int64_t{-1}}) {
    EXPECT_EQ(ParseByteSize(FormatByteSize(bytes)), bytes) << FormatByteSize(bytes);
  }
  EXPECT_EQ(FormatByteSize(65536), "64KiB");
}

TEST(ValueTextTest, TimesNeedAUnit) {
  EXPECT_EQ(ParseDurationText("1h30m")->seconds(), 5400);
  EXPECT_EQ(ParseDurationText("250ms")->nanos(), 250000000);
  EXPECT_EQ(ParseDurationText("0")->seconds(), 0);
  for (const char* bad : {"", "10", "-1s", "inf", "ten", "1 day", "+1s"}) {
    EXPECT_FALSE(ParseDurationText(bad).has_value()) << bad;
  }
  EXPECT_EQ(FormatDurationText(*ParseDurationText("90m")), "1h30m");
}

TEST(ValueTextTest, EnumsLoseTheirPrefixAndTheUnspecifiedValue) {
  const auto* type = v1::LogFullPolicy_descriptor();
  EXPECT_EQ(EnumTexts(type), (std::vector<std::string>{"block", "drop_oldest", "drop_new"}));
  EXPECT_EQ(FindEnumValue(type, "drop_new")->number(), v1::LOG_FULL_POLICY_DROP_NEW);
  EXPECT_EQ(FindEnumValue(type, "unspecified"), nullptr);
  EXPECT_EQ(FindEnumValue(type, "DROP_NEW"), nullptr);
}

}  // namespace
}  // namespace muster
