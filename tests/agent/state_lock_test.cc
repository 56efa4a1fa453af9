#include "agent/state_lock.h"

#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

TEST(StateLockTest, IsHeldOnceAndNamesTheHolder) {
  TempTree tree;
  {
    const absl::StatusOr<StateLock> first = StateLock::Take(tree.root());
    ASSERT_TRUE(first.ok()) << first.status();
    const absl::Status second = StateLock::Take(tree.root()).status();
    EXPECT_EQ(second.code(), absl::StatusCode::kAlreadyExists);
    EXPECT_TRUE(absl::StrContains(second.message(), absl::StrCat("(pid ", getpid(), ")")))
        << second;
  }
  EXPECT_TRUE(StateLock::Take(tree.root()).ok());
}

// A process that was killed while it started another: the new one holds a copy of the lock until it
// runs its program. Here until `release()`.
class KilledWhileItSpawned {
 public:
  explicit KilledWhileItSpawned(const std::string& state_dir) {
    EXPECT_EQ(pipe(ends_), 0);
    const pid_t killed = fork();
    if (killed == 0) {
      const absl::StatusOr<StateLock> lock = StateLock::Take(state_dir);
      if (!lock.ok() || fork() != 0) _exit(lock.ok() ? 0 : 1);
      close(ends_[1]);
      char byte;
      _exit(static_cast<int>(read(ends_[0], &byte, 1)));
    }
    close(ends_[0]);
    int status = -1;
    EXPECT_EQ(waitpid(killed, &status, 0), killed);
    EXPECT_EQ(status, 0);
  }
  void Release() { close(ends_[1]); }

 private:
  int ends_[2];
};

TEST(StateLockTest, OutwaitsWhatADeadHolderHasLeft) {
  TempTree tree;
  KilledWhileItSpawned holder(tree.root());
  EXPECT_EQ(StateLock::Take(tree.root(), absl::ZeroDuration()).status().code(),
            absl::StatusCode::kAlreadyExists);
  std::thread taker([&tree] {
    const absl::StatusOr<StateLock> lock = StateLock::Take(tree.root(), absl::Seconds(60));
    EXPECT_TRUE(lock.ok()) << lock.status();
  });
  holder.Release();
  taker.join();
}

TEST(StateLockTest, SaysWhyThereIsNoLock) {
  EXPECT_EQ(StateLock::Take("/no/such/dir").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace muster
