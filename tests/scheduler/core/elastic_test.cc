#include "scheduler/core/elastic.h"

#include "gtest/gtest.h"

namespace muster {
namespace {

constexpr absl::Duration kNow = absl::Seconds(1000);

v1::JobSpec Spec(int min, int max) {
  v1::JobSpec spec;
  spec.mutable_nodes()->set_min(min);
  spec.mutable_nodes()->set_max(max);
  return spec;
}

TEST(WaitsForMoreTest, StartsAtOnceWithTheMost) {
  StartWait wait;
  EXPECT_EQ(WaitsForMore(Spec(2, 4), 4, kNow, &wait), std::nullopt);
  EXPECT_EQ(WaitsForMore(Spec(3, 3), 3, kNow, &wait), std::nullopt);
}

TEST(WaitsForMoreTest, WaitsOnceForMoreThanTheLeast) {
  StartWait wait;
  const absl::Duration until = kNow + absl::Seconds(30);
  EXPECT_EQ(WaitsForMore(Spec(2, 4), 2, kNow, &wait), until);
  EXPECT_EQ(WaitsForMore(Spec(2, 4), 3, kNow + absl::Seconds(29), &wait), until);
  EXPECT_EQ(WaitsForMore(Spec(2, 4), 3, until, &wait), std::nullopt);
}

TEST(WaitsForMoreTest, TooFewBeginTheWaitAnew) {
  StartWait wait;
  WaitsForMore(Spec(2, 4), 2, kNow, &wait);
  EXPECT_EQ(WaitsForMore(Spec(2, 4), 0, kNow + absl::Seconds(5), &wait), std::nullopt);
  EXPECT_EQ(WaitsForMore(Spec(2, 4), 2, kNow + absl::Seconds(40), &wait), kNow + absl::Seconds(70));
}

TEST(WaitsForMoreTest, AsManyAsItHadAreEnough) {
  StartWait wait;
  wait.had = 3;
  EXPECT_EQ(WaitsForMore(Spec(2, 4), 3, kNow, &wait), std::nullopt);
}

TEST(WaitsForMoreTest, WhatIsLeftOfAGangWaitsForALastCallAlone) {
  StartWait wait;
  wait.had = 4;
  EXPECT_EQ(WaitsForMore(Spec(2, 4), 3, kNow, &wait), kNow + kLastCall);
  EXPECT_EQ(WaitsForMore(Spec(2, 4), 3, kNow + kLastCall, &wait), std::nullopt);
}

TEST(WaitsForMoreTest, AGangThatHadTooFewStartsAnew) {
  StartWait wait;
  wait.had = 4;
  WaitsForMore(Spec(2, 4), 0, kNow, &wait);
  EXPECT_EQ(WaitsForMore(Spec(2, 4), 2, kNow, &wait), kNow + absl::Seconds(30));
}

TEST(WaitsForMoreTest, TheJobSaysHowLong) {
  v1::JobSpec spec = Spec(1, 2);
  spec.mutable_timeouts()->mutable_elastic()->set_seconds(1);
  StartWait wait;
  EXPECT_EQ(WaitsForMore(spec, 1, kNow, &wait), kNow + absl::Seconds(1));
  wait = StartWait();
  wait.had = 2;
  EXPECT_EQ(WaitsForMore(spec, 1, kNow, &wait), kNow + absl::Seconds(1));
}

TEST(DescribeWaitTest, SaysHowManyAreMissing) {
  const absl::Time until =
      absl::FromCivil(absl::CivilSecond(2026, 3, 1, 10, 59, 9), absl::UTCTimeZone());
  EXPECT_EQ(DescribeWait(Spec(2, 4).nodes(), 3, until),
            "3 of 2:4 hosts are ready; waits until 10:59:09 UTC or for 1 more");
}

TEST(ResizeTimeTest, TooManyHostsAreGivenBackAtOnce) {
  GrowthWait wait{kNow + absl::Hours(1), std::nullopt};
  EXPECT_EQ(ResizeTime(Spec(1, 2), 3, 3, kNow, &wait), kNow);
}

TEST(ResizeTimeTest, NothingToGrowByIsNoReason) {
  GrowthWait wait;
  EXPECT_EQ(ResizeTime(Spec(2, 4), 3, 3, kNow, &wait), std::nullopt);
  EXPECT_EQ(ResizeTime(Spec(2, 4), 3, 2, kNow, &wait), std::nullopt);
}

TEST(ResizeTimeTest, GrowsToTheMostButNotTooSoonAfterItsStart) {
  GrowthWait wait{kNow + absl::Seconds(10), std::nullopt};
  EXPECT_EQ(ResizeTime(Spec(2, 4), 2, 4, kNow, &wait), kNow + absl::Seconds(10));
  EXPECT_EQ(ResizeTime(Spec(2, 4), 2, 4, kNow + absl::Seconds(11), &wait),
            kNow + absl::Seconds(11));
}

TEST(ResizeTimeTest, WaitsForMoreBeforeItGrowsToFewer) {
  GrowthWait wait;
  const absl::Duration due = kNow + absl::Seconds(30);
  EXPECT_EQ(ResizeTime(Spec(2, 4), 2, 3, kNow, &wait), due);
  EXPECT_EQ(ResizeTime(Spec(2, 4), 2, 3, kNow + absl::Seconds(29), &wait), due);
  EXPECT_EQ(ResizeTime(Spec(2, 4), 2, 2, kNow + absl::Seconds(29), &wait), std::nullopt);
  EXPECT_EQ(ResizeTime(Spec(2, 4), 2, 3, due, &wait), due + absl::Seconds(30));
}

TEST(ResizeTimeTest, AGangThatIsTooSmallRunsUntilTheLeastAreThere) {
  GrowthWait wait{kNow + absl::Hours(1), std::nullopt};
  EXPECT_EQ(ResizeTime(Spec(4, 4), 2, 3, kNow, &wait), std::nullopt);
  EXPECT_EQ(ResizeTime(Spec(3, 4), 2, 3, kNow, &wait), kNow);
}

}  // namespace
}  // namespace muster
