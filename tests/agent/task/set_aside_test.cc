#include "agent/task/set_aside.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "agent/shim/log_format.h"
#include "agent/task/gang_dir.h"
#include "common/base/event_loop.h"
#include "common/base/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/agent/task/fake_cgroup.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

// A gang with an msshim, for which the test holds the lock.
class SetAsideTest : public testing::Test {
 protected:
  SetAsideTest() {
    const std::string path = tree_.Write(absl::StrCat("jobs/job-0a1b2c/0/", kLockFile), "");
    shim_lock_.reset(open(path.c_str(), O_RDWR | O_CLOEXEC));
    EXPECT_EQ(flock(shim_lock_.get(), LOCK_EX | LOCK_NB), 0);
  }
  void ShimDies() { shim_lock_.reset(); }
  // Returns how many times SIGKILL was sent meanwhile.
  int Pass(absl::Duration time) {
    return PassCountingKills(time, absl::Milliseconds(100), &clock_, &loop_, &cgroup_);
  }

  FakeClock clock_;
  EventLoop loop_{&clock_};
  FakeCgroup cgroup_;
  TempTree tree_;
  UniqueFd shim_lock_;
  std::vector<v1::GangReport> reports_;
  SetAside gang_{*GangDir::Make(tree_.root(), "job-0a1b2c", 0),
                 cgroup_.group(),
                 /*keeps_fence=*/false,
                 /*sequence=*/0,
                 &loop_,
                 [this](const v1::GangReport& report) { reports_.push_back(report); }};
};

TEST_F(SetAsideTest, EndsOnceItsShimAndItsRanksHave) {
  EXPECT_EQ(Pass(absl::Minutes(1)), 0);
  cgroup_.SetPopulated(false);
  Pass(absl::Minutes(1));
  EXPECT_TRUE(reports_.empty()) << "its shim lives";
  ShimDies();
  Pass(absl::Seconds(1));
  ASSERT_EQ(reports_.size(), 1u);
  EXPECT_TRUE(reports_[0].finished());
}

TEST_F(SetAsideTest, RanksThatOutliveTheirShimAreLeftAlone) {
  ShimDies();
  EXPECT_EQ(Pass(absl::Minutes(1)), 0);
  EXPECT_TRUE(reports_.empty());
}

TEST_F(SetAsideTest, RanksAreEndedWhereTheirShimDiesLater) {
  gang_.StopWithoutShim(absl::Seconds(10));
  EXPECT_EQ(Pass(absl::Minutes(1)), 0);
  ShimDies();
  EXPECT_EQ(Pass(absl::Seconds(10)), 0) << "their grace";
  EXPECT_GT(Pass(absl::Seconds(1)), 0);
  cgroup_.SetPopulated(false);
  Pass(absl::Seconds(1));
  ASSERT_EQ(reports_.size(), 1u);
  EXPECT_TRUE(reports_[0].finished());
}

TEST_F(SetAsideTest, LooksForNoProcessWhileTheShimLives) {
  const UniqueFd seen(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  ASSERT_GE(inotify_add_watch(seen.get(), cgroup_.events_path().c_str(), IN_OPEN), 0);
  char events[4096];
  Pass(absl::Minutes(1));
  EXPECT_EQ(read(seen.get(), events, sizeof(events)), -1) << "it has looked";
  ShimDies();
  Pass(absl::Seconds(1));
  EXPECT_GT(read(seen.get(), events, sizeof(events)), 0);
}

}  // namespace
}  // namespace muster
