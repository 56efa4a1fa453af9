// The small files of a host's state: what damage and a full disk do to them.
#include <sys/mount.h>

#include <string>

#include "agent/task/node_lease.h"
#include "agent/task/state_counter.h"
#include "common/base/fs.h"
#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

// Calls `check` for each byte of `bytes` with one of its bits flipped.
template <typename Check>
void ForEachFlip(const std::string& bytes, Check check) {
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 7));
    check(flipped, at);
  }
}

TEST(StateFilesTest, AFlippedBitNeverMakesALeaseLonger) {
  TempTree tree;
  const std::string path = tree.Path("lease");
  ASSERT_TRUE(WriteLease(path, {7, absl::Seconds(1234), absl::Seconds(10)}).ok());
  ASSERT_EQ(ReadLease(path)->until, absl::Seconds(1234));
  ForEachFlip(ReadFile(path).value(), [&](const std::string& flipped, size_t at) {
    tree.Write("lease", flipped);
    EXPECT_EQ(ReadLease(path)->until, absl::ZeroDuration()) << at;
  });
}

TEST(StateFilesTest, AFlippedBitInACounterIsNoticed) {
  TempTree tree;
  const std::string path = tree.Path("epoch");
  ASSERT_TRUE(WriteCounter(path, 1000001, /*durable=*/true).ok());
  ForEachFlip(ReadFile(path).value(), [&](const std::string& flipped, size_t at) {
    tree.Write("epoch", flipped);
    EXPECT_EQ(ReadCounter(path).status().code(), absl::StatusCode::kDataLoss) << at;
  });
}

TEST(StateFilesTest, ACounterIsOverwrittenWhereAnotherFileHasNoRoom) {
  TempTree tree;
  const std::string path = tree.Path("starts");
  ASSERT_TRUE(WriteCounter(path, 9, /*durable=*/true).ok());
  // A file system with no inode left.
  if (mount("tmpfs", tree.root().c_str(), "tmpfs", 0, "nr_inodes=2") != 0) {
    GTEST_SKIP() << "no right to mount a file system";
  }
  ASSERT_TRUE(WriteCounter(path, 9, /*durable=*/true).ok());
  EXPECT_EQ(WriteFile(tree.Path("another"), "x").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(WriteCounter(path, 10, /*durable=*/true).ok());
  EXPECT_EQ(*ReadCounter(path), 10);
  EXPECT_EQ(umount(tree.root().c_str()), 0);
}

TEST(StateFilesTest, ALeaseIsOverwrittenWhereAnotherFileHasNoRoom) {
  TempTree tree;
  const std::string path = tree.Path("lease");
  // A file system with no inode left.
  if (mount("tmpfs", tree.root().c_str(), "tmpfs", 0, "nr_inodes=2") != 0) {
    GTEST_SKIP() << "no right to mount a file system";
  }
  tree.Write("lease", "the longest of all that were ever there, and damaged as well");
  ASSERT_EQ(ReadLease(path)->until, absl::ZeroDuration());
  EXPECT_TRUE(WriteLease(path, {7, absl::Seconds(1234), absl::Seconds(10)}).ok());
  EXPECT_EQ(ReadLease(path)->until, absl::Seconds(1234));
  EXPECT_TRUE(WriteLease(path, {7, absl::InfiniteDuration(), absl::Seconds(1)}).ok());
  EXPECT_EQ(ReadLease(path)->until, absl::InfiniteDuration());
  EXPECT_EQ(umount(tree.root().c_str()), 0);
}

}  // namespace
}  // namespace muster
