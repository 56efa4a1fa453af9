#include "agent/link/fence.h"

#include <memory>

#include "gtest/gtest.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_gangs.h"

namespace muster {
namespace {

v1::NodeWelcome WelcomeWithLease(int seconds) {
  v1::NodeWelcome welcome;
  welcome.set_epoch(3);
  welcome.mutable_node_lease()->set_seconds(seconds);
  welcome.mutable_fence_grace()->set_seconds(10);
  return welcome;
}

class FenceTest : public testing::Test {
 protected:
  FenceTest() : loop_(&clock_) { clock_.Advance(absl::Hours(1)); }

  absl::Duration Now() { return clock_.Boot(); }
  void Pass(absl::Duration time) {
    clock_.Advance(time);
    loop_.RunDue();
  }

  FakeClock clock_;
  EventLoop loop_;
  FakeGangs gangs_;
};

TEST_F(FenceTest, CountsFromBeforeTheHelloWasSent) {
  Fence fence(&loop_, &gangs_);
  const absl::Duration sent = Now();
  Pass(absl::Seconds(5));  // The answer was slow.
  fence.OnWelcome(WelcomeWithLease(20), sent);

  ASSERT_EQ(gangs_.leases.size(), 1U);
  EXPECT_EQ(gangs_.leases[0].until, sent + absl::Seconds(20));
  EXPECT_EQ(gangs_.leases[0].grace, absl::Seconds(10));
  EXPECT_EQ(gangs_.leases[0].epoch, 3);
}

TEST_F(FenceTest, FiresWhenTheLeaseHasRunOutAndNotBefore) {
  Fence fence(&loop_, &gangs_);
  fence.OnWelcome(WelcomeWithLease(20), Now());

  Pass(absl::Milliseconds(19999));
  EXPECT_FALSE(gangs_.fenced);
  Pass(absl::Milliseconds(1));
  EXPECT_TRUE(gangs_.fenced);
}

TEST_F(FenceTest, ALaterSchedulerWithoutLeasesEndsTheLease) {
  Fence fence(&loop_, &gangs_);
  fence.OnWelcome(WelcomeWithLease(20), Now());
  v1::NodeWelcome welcome;
  welcome.set_epoch(4);
  fence.OnWelcome(welcome, Now());
  EXPECT_EQ(gangs_.leases.back().until, absl::InfiniteDuration());
  EXPECT_EQ(gangs_.leases.back().epoch, 4);
  Pass(absl::Hours(24));
  EXPECT_FALSE(gangs_.fenced);
}

TEST_F(FenceTest, TheSameSchedulerMayStillCountOnItsLease) {
  Fence fence(&loop_, &gangs_);
  fence.OnWelcome(WelcomeWithLease(20), Now());
  v1::NodeWelcome welcome;
  welcome.set_epoch(3);
  fence.OnWelcome(welcome, Now());
  Pass(absl::Seconds(20));
  EXPECT_TRUE(gangs_.fenced);
}

TEST_F(FenceTest, AnAnsweredHeartbeatRenewsFromWhenItWasSent) {
  Fence fence(&loop_, &gangs_);
  fence.OnWelcome(WelcomeWithLease(20), Now());
  const absl::Duration beat = Now() + absl::Seconds(10);
  Pass(absl::Seconds(15));
  fence.OnAnswer(beat);

  EXPECT_EQ(gangs_.leases.back().until, beat + absl::Seconds(20));
  Pass(absl::Seconds(14));
  EXPECT_FALSE(gangs_.fenced);
  Pass(absl::Seconds(1));
  EXPECT_TRUE(gangs_.fenced);
}

TEST_F(FenceTest, AnAnswerThatComesTooLateRenewsNothing) {
  Fence fence(&loop_, &gangs_);
  const absl::Duration sent = Now();
  fence.OnWelcome(WelcomeWithLease(20), sent);
  Pass(absl::Seconds(25));
  ASSERT_TRUE(gangs_.fenced);

  fence.OnAnswer(sent + absl::Seconds(2));

  EXPECT_TRUE(gangs_.fenced);
}

TEST_F(FenceTest, AWelcomeAfterTheFenceBeginsANewLease) {
  Fence fence(&loop_, &gangs_);
  fence.OnWelcome(WelcomeWithLease(20), Now());
  Pass(absl::Seconds(25));
  ASSERT_TRUE(gangs_.fenced);

  fence.OnWelcome(WelcomeWithLease(20), Now());

  EXPECT_FALSE(gangs_.fenced);
  Pass(absl::Seconds(20));
  EXPECT_TRUE(gangs_.fenced);
}

TEST_F(FenceTest, TakesUpTheLeaseOfTheAgentsEarlierLife) {
  gangs_.SetLease({3, Now() + absl::Seconds(4), absl::Seconds(1)});
  Fence fence(&loop_, &gangs_);

  Pass(absl::Seconds(3));
  EXPECT_FALSE(gangs_.fenced);
  Pass(absl::Seconds(1));
  EXPECT_TRUE(gangs_.fenced);
}

TEST_F(FenceTest, WithoutALeaseNothingEverRunsOut) {
  Fence fence(&loop_, &gangs_);
  fence.OnWelcome(v1::NodeWelcome(), Now());
  fence.OnAnswer(Now());
  Pass(absl::Hours(100));

  EXPECT_FALSE(gangs_.fenced);
  EXPECT_TRUE(gangs_.leases.empty());
  EXPECT_EQ(fence.Patience(), absl::InfiniteDuration());
}

}  // namespace
}  // namespace muster
