#include "agent/state_lock.h"

#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
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

TEST(StateLockTest, SaysWhyThereIsNoLock) {
  EXPECT_EQ(StateLock::Take("/no/such/dir").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace muster
