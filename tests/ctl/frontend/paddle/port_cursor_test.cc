#include "ctl/frontend/paddle/port_cursor.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(PortCursorTest, GoesOnAndRoundAndPassesOverWhatIsTaken) {
  PortCursor ports(10, 14, 13, [](int port) { return port != 14; });
  EXPECT_THAT(*ports.Take(2), ElementsAre(13, 10));
  EXPECT_THAT(*ports.Take(2), ElementsAre(11, 12));
}

TEST(PortCursorTest, SaysHowManyAreShort) {
  PortCursor ports(10, 12, 10, [](int port) { return port == 11; });
  const auto taken = ports.Take(2);
  EXPECT_TRUE(absl::IsResourceExhausted(taken.status()));
  EXPECT_THAT(std::string(taken.status().message()), HasSubstr("1 are free, 2 are needed"));
}

TEST(PortCursorTest, RefusesARangeThatIsNone) {
  for (const char* range : {"", "1", "5:4", "a:b", "1:70000"}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(PortCursor::FromEnvironment({{"PORT_RANGE", range}}).status()))
        << range;
  }
  EXPECT_TRUE(PortCursor::FromEnvironment({}).ok());
}

}  // namespace
}  // namespace muster
