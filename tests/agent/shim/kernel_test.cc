#include "agent/shim/kernel.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "common/base/unique_fd.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

// A child that is dead, and reaped by Reap().
class Zombie {
 public:
  explicit Zombie(void (*end)()) : pid_(fork()) {
    if (pid_ == 0) {
      end();
      _exit(99);
    }
    pidfd_.reset(PidfdOpen(pid_));
    siginfo_t info = {};
    EXPECT_EQ(waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT), 0);
  }
  ~Zombie() { Reap(); }
  void Reap() {
    if (std::exchange(reaped_, true)) return;
    EXPECT_EQ(waitpid(pid_, nullptr, 0), pid_);
  }
  bool Ask(int* status) const { return ZombieExitStatus(pid_, pidfd_.get(), status); }

 private:
  const pid_t pid_;
  UniqueFd pidfd_;
  bool reaped_ = false;
};

TEST(KernelTest, TellsTheStatusOfAProcessThatNobodyHasReaped) {
  int status = -1;
  EXPECT_TRUE(Zombie([] { _exit(7); }).Ask(&status));
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_TRUE(Zombie([] { raise(SIGKILL); }).Ask(&status));
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

TEST(KernelTest, IsNotMisledByAName) {
  int status = -1;
  const Zombie zombie([] {
    prctl(PR_SET_NAME, "a) Z 1 (b");
    _exit(3);
  });
  EXPECT_TRUE(zombie.Ask(&status));
  EXPECT_EQ(WEXITSTATUS(status), 3);
}

TEST(KernelTest, TellsNothingOfWhatWasReapedOrLives) {
  int status = -1;
  Zombie zombie([] { _exit(7); });
  zombie.Reap();
  EXPECT_FALSE(zombie.Ask(&status));
  const UniqueFd self(PidfdOpen(getpid()));
  EXPECT_FALSE(ZombieExitStatus(getpid(), self.get(), &status));
}

}  // namespace
}  // namespace muster
