#include "agent/state_lock.h"

#include <unistd.h>

#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

TEST(StateLockTest, IsHeldOnceAndNamesTheHolder) {
  TempTree tree;
  std::optional<StateLock> first(*StateLock::Take(tree.root()));
  const absl::Status second = StateLock::Take(tree.root()).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(absl::StrContains(second.message(), absl::StrCat("(pid ", getpid(), ")"))) << second;
  first.reset();
  EXPECT_TRUE(StateLock::Take(tree.root()).ok());
}

TEST(StateLockTest, SaysWhyThereIsNoLock) {
  EXPECT_EQ(StateLock::Take("/no/such/dir").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace muster
