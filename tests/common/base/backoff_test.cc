#include "common/base/backoff.h"

#include <algorithm>

#include "gtest/gtest.h"

namespace muster {
namespace {

TEST(BackoffTest, DoublesUpToItsBoundWithoutJitter) {
  Backoff::Options options;
  options.jitter = 0;
  Backoff backoff(options);
  for (const int ms : {100, 200, 400, 800, 1600, 2000, 2000}) {
    EXPECT_EQ(backoff.Next(), absl::Milliseconds(ms));
  }
}

TEST(BackoffTest, BeginsAgainAfterASuccess) {
  Backoff::Options options;
  options.jitter = 0;
  Backoff backoff(options);
  backoff.Next();
  backoff.Next();
  backoff.Reset();
  EXPECT_EQ(backoff.Next(), options.first);
}

TEST(BackoffTest, CutsEachWaitByAtMostTheJitter) {
  Backoff::Options options;
  options.first = options.max = absl::Seconds(1);
  options.jitter = 0.25;
  Backoff backoff(options);
  absl::Duration least = options.max;
  absl::Duration most;
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration wait = backoff.Next();
    least = std::min(least, wait);
    most = std::max(most, wait);
  }
  EXPECT_GE(least, absl::Milliseconds(750));
  EXPECT_LE(most, absl::Seconds(1));
  EXPECT_GT(most - least, absl::Milliseconds(100));  // It is spread, not one value.
}

TEST(BackoffTest, NeverWaitsLongerThanTheBound) {
  Backoff::Options options;
  options.first = absl::Seconds(9);
  options.max = absl::Seconds(2);
  EXPECT_LE(Backoff(options).Next(), options.max);
}

}  // namespace
}  // namespace muster
