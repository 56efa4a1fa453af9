#include "agent/task/gang_remains.h"

#include "absl/time/time.h"
#include "common/base/event_loop.h"
#include "gtest/gtest.h"
#include "tests/agent/task/fake_cgroup.h"
#include "tests/fakes/fake_clock.h"

namespace muster {
namespace {

class GangRemainsTest : public testing::Test {
 protected:
  // Returns how many times SIGKILL was sent meanwhile.
  int Pass(absl::Duration time) {
    return PassCountingKills(time, absl::Milliseconds(50), &clock_, &loop_, &cgroup_);
  }

  FakeClock clock_;
  EventLoop loop_{&clock_};
  FakeCgroup cgroup_;
  int gone_ = 0;
  GangRemains remains_{"job-1", 0, cgroup_.group(), {}, &loop_, [this] { ++gone_; }};
};

TEST_F(GangRemainsTest, KillsWhenTheGraceIsOver) {
  remains_.Stop(absl::Seconds(10));
  EXPECT_EQ(Pass(absl::Seconds(9.9)), 0);
  EXPECT_GT(Pass(absl::Seconds(1)), 0);
}

TEST_F(GangRemainsTest, WhatCannotBeKilledIsLookedAtEverMoreSeldom) {
  remains_.Stop(absl::ZeroDuration());
  EXPECT_GE(Pass(absl::Seconds(4)), 20) << "a fork bomb takes many";
  Pass(absl::Seconds(20));
  const int kills = Pass(absl::Minutes(1));
  EXPECT_GE(kills, 10);
  EXPECT_LE(kills, 15);
  EXPECT_EQ(gone_, 0);
}

TEST_F(GangRemainsTest, SeesTheEndOfWhatHungForLong) {
  remains_.Stop(absl::ZeroDuration());
  Pass(absl::Minutes(2));
  cgroup_.SetPopulated(false);
  Pass(absl::Seconds(6));
  EXPECT_EQ(gone_, 1);
}

}  // namespace
}  // namespace muster
