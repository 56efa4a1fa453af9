#include "ctl/spec/nearest.h"

#include <gtest/gtest.h>

#include <string>

namespace muster {
namespace {

TEST(NearestTest, CountsSlipsOfTheFinger) {
  EXPECT_EQ(EditDistance("", ""), 0);
  EXPECT_EQ(EditDistance("abc", ""), 3);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3);
  EXPECT_EQ(EditDistance("cuont", "count"), 1);
}

TEST(NearestTest, FindsWhatWasMeantAndNothingFarAway) {
  EXPECT_EQ(NearestOf("device_per_rank", {"roles", "devices_per_rank"}), "devices_per_rank");
  EXPECT_EQ(NearestOf("colour", {"roles", "command"}), "");
  EXPECT_EQ(NearestOf("", {"a"}), "");
  EXPECT_EQ(NearestOf(std::string(100000, 'a'), {"a"}), "");
}

}  // namespace
}  // namespace muster
