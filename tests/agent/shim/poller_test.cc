#include "agent/shim/poller.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "common/base/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/fakes/boot_alarm.h"

namespace muster {
namespace {

constexpr int64_t kMs = 1'000'000;

TEST(PollerTest, ALongWaitCountsTheTimeInWhichTheHostSleeps) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const UniqueFd read_end(ends[0]);
  const UniqueFd write_end(ends[1]);
  ASSERT_EQ(write(write_end.get(), "x", 1), 1);
  Poller poller;
  poller.Add(read_end.get(), EPOLLIN, {WatchKind::kOut, 7});
  EXPECT_EQ(BootAlarm(), -1);
  ASSERT_EQ(poller.Wait(30'000 * kMs).size(), 1u);
  EXPECT_GE(BootAlarm(), 1);
  EXPECT_LE(BootAlarm(), 30);
}

TEST(PollerTest, AWaitEndsWithoutAnEvent) {
  Poller poller;
  EXPECT_TRUE(poller.Wait(150 * kMs).empty());
  EXPECT_EQ(BootAlarm(), -1);
  EXPECT_TRUE(poller.Wait(kMs).empty());
  EXPECT_TRUE(poller.Wait(0).empty());
}

}  // namespace
}  // namespace muster
