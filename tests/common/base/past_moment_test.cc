#include "common/base/past_moment.h"

#include "gtest/gtest.h"
#include "tests/fakes/fake_clock.h"

namespace muster {
namespace {

constexpr absl::Duration kTenYears = absl::Hours(24 * 3652);

TEST(PastMomentTest, WhatThisProcessSawAgesOnTheBootClockAlone) {
  FakeClock clock;
  PastMoment moment(clock);
  EXPECT_EQ(moment.Age(clock), absl::ZeroDuration());
  clock.Advance(absl::Minutes(5));
  for (const absl::Duration jump : {kTenYears, -2 * kTenYears}) {
    clock.JumpWall(jump);
    EXPECT_EQ(moment.Age(clock), absl::Minutes(5));
  }
}

TEST(PastMomentTest, WhatIsOnRecordAgesByTheTimeOfDayOnce) {
  FakeClock clock;
  PastMoment moment = PastMoment::OnRecord(clock.Wall() - absl::Hours(48));
  clock.Advance(absl::Hours(1));
  EXPECT_EQ(moment.Age(clock), absl::Hours(49)) << "longer ago than the boot";
  clock.JumpWall(kTenYears);
  clock.Advance(absl::Hours(1));
  EXPECT_EQ(moment.Age(clock), absl::Hours(50));
}

TEST(PastMomentTest, WhatIsOnRecordForATimeToComeBeginsToAgeWhenItIsFound) {
  FakeClock clock;
  PastMoment moment = PastMoment::OnRecord(clock.Wall() + kTenYears);
  EXPECT_EQ(moment.Age(clock), absl::ZeroDuration());
  clock.Advance(absl::Hours(1));
  EXPECT_EQ(moment.Age(clock), absl::Hours(1));
}

}  // namespace
}  // namespace muster
