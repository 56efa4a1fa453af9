#include "agent/orphan_reaper.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/time/time.h"
#include "agent/signals.h"
#include "common/base/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/fakes/fake_clock.h"

namespace muster {
namespace {

// Whether `pid` is a dead child of ours that nobody has reaped; waits until it is dead.
bool IsZombie(pid_t pid) {
  siginfo_t info = {};
  return waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0;
}

class OrphanReaperTest : public testing::Test {
 protected:
  OrphanReaperTest() { BlockSignals(); }

  // A process that ends at once, child of one that has ended before: it falls to us.
  static pid_t Orphan() {
    int told[2];
    EXPECT_EQ(pipe(told), 0);
    const UniqueFd read_end(told[0]);
    const UniqueFd write_end(told[1]);
    const pid_t parent = fork();
    if (parent == 0) {
      const pid_t child = fork();
      if (child == 0) {
        setsid();
        _exit(3);
      }
      _exit(write(told[1], &child, sizeof(child)) == sizeof(child) ? 0 : 1);
    }
    EXPECT_EQ(waitpid(parent, nullptr, 0), parent);
    pid_t orphan = 0;
    EXPECT_EQ(read(told[0], &orphan, sizeof(orphan)), static_cast<ssize_t>(sizeof(orphan)));
    return orphan;
  }
  void Pass(absl::Duration time) {
    while (loop_.RunDue()) {
    }
    clock_.Advance(time);
    while (loop_.RunDue()) {
    }
  }

  FakeClock clock_;
  EventLoop loop_{&clock_};
  OrphanReaper reaper_{&loop_};
};

TEST_F(OrphanReaperTest, ReapsAnOrphanThatNobodyWaitsFor) {
  const pid_t orphan = Orphan();
  ASSERT_TRUE(IsZombie(orphan)) << "it did not fall to us";
  Pass(absl::Seconds(1));
  EXPECT_TRUE(IsZombie(orphan)) << "whoever waits for it comes first";
  Pass(absl::Seconds(1));
  EXPECT_FALSE(IsZombie(orphan));
  EXPECT_EQ(errno, ECHILD);
}

TEST_F(OrphanReaperTest, LeavesTheHelpersThatWeRunToWhoeverRunsThem) {
  const pid_t helper = fork();
  if (helper == 0) _exit(3);
  ASSERT_TRUE(IsZombie(helper));
  for (int i = 0; i < 3; ++i) Pass(absl::Seconds(1));
  int status = 0;
  EXPECT_EQ(waitpid(helper, &status, 0), helper);
  EXPECT_EQ(WEXITSTATUS(status), 3);
}

}  // namespace
}  // namespace muster
