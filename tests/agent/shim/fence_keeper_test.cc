#include "agent/shim/fence_keeper.h"

#include "gtest/gtest.h"

namespace muster {
namespace {

constexpr int64_t kMs = 1'000'000;

TEST(FenceKeeperTest, FiresOnceAtTheEndOfTheLease) {
  FenceKeeper fence(1, 100 * kMs, 30);
  int64_t grace_ms = -1;
  EXPECT_EQ(fence.NextDeadlineNs(), 100 * kMs);
  EXPECT_FALSE(fence.Fire(100 * kMs - 1, &grace_ms));
  EXPECT_TRUE(fence.Fire(100 * kMs, &grace_ms));
  EXPECT_EQ(grace_ms, 30);
  EXPECT_FALSE(fence.Fire(200 * kMs, &grace_ms));
  EXPECT_EQ(fence.NextDeadlineNs(), -1);
}

TEST(FenceKeeperTest, ALateFenceKillsAtTheSameMoment) {
  FenceKeeper fence(1, 100 * kMs, 30);
  int64_t grace_ms = -1;
  EXPECT_TRUE(fence.Fire(120 * kMs, &grace_ms));
  EXPECT_EQ(grace_ms, 10);
  FenceKeeper frozen(1, 100 * kMs, 30);
  EXPECT_TRUE(frozen.Fire(9000 * kMs, &grace_ms));
  EXPECT_EQ(grace_ms, 0);
}

TEST(FenceKeeperTest, ARenewalPutsItOff) {
  FenceKeeper fence(1, 100 * kMs, 30);
  EXPECT_TRUE(fence.Renew(1, 300 * kMs, 50, 90 * kMs));
  int64_t grace_ms = -1;
  EXPECT_FALSE(fence.Fire(299 * kMs, &grace_ms));
  EXPECT_TRUE(fence.Fire(300 * kMs, &grace_ms));
  EXPECT_EQ(grace_ms, 50);
}

TEST(FenceKeeperTest, ALeaseThatHasRunOutIsNotRenewed) {
  FenceKeeper fence(1, 100 * kMs, 30);
  EXPECT_FALSE(fence.Renew(1, 300 * kMs, 30, 100 * kMs));  // Faster than the timer.
  int64_t grace_ms = -1;
  EXPECT_TRUE(fence.Fire(101 * kMs, &grace_ms));
  EXPECT_FALSE(fence.Renew(2, 900 * kMs, 30, 102 * kMs));
  EXPECT_TRUE(fence.fenced());
}

TEST(FenceKeeperTest, AnOlderEpochIsRefused) {
  FenceKeeper fence(5, 100 * kMs, 30);
  EXPECT_FALSE(fence.Renew(4, 900 * kMs, 30, 10 * kMs));
  EXPECT_EQ(fence.NextDeadlineNs(), 100 * kMs);
  EXPECT_TRUE(fence.Renew(6, 200 * kMs, 30, 10 * kMs));
  EXPECT_FALSE(fence.Renew(5, 900 * kMs, 30, 10 * kMs));
}

TEST(FenceKeeperTest, ASuccessorTakesWhatTheAgentSays) {
  FenceKeeper fence(1, 100 * kMs, 30);  // The plan's, long ago.
  fence.Resume(2, 900 * kMs, 40);
  int64_t grace_ms = -1;
  EXPECT_FALSE(fence.Fire(500 * kMs, &grace_ms));
  EXPECT_TRUE(fence.Fire(900 * kMs, &grace_ms));
}

TEST(FenceKeeperTest, WithoutALeaseNothingRunsOut) {
  FenceKeeper fence(1, 0, 0);
  int64_t grace_ms = -1;
  EXPECT_FALSE(fence.Fire(int64_t{1} << 60, &grace_ms));
  EXPECT_EQ(fence.NextDeadlineNs(), -1);
}

}  // namespace
}  // namespace muster
