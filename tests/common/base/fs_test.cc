#include "common/base/fs.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

mode_t ModeOf(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

TEST(FsTest, ReplacesAFileAndLeavesNothingElseBehind) {
  TempTree tree;
  const std::string path = tree.Write("state", "old");
  ASSERT_TRUE(WriteFileDurably(path, "new").ok());
  EXPECT_EQ(*ReadFile(path), "new");
  EXPECT_THAT(*ListDir(tree.root()), ElementsAre("state"));
}

TEST(FsTest, KeepsTheOldFileWhenTheNewOneCannotBeWritten) {
  TempTree tree;
  tree.Write("blocked/inside", "x");  // A directory that is not empty cannot be replaced.
  EXPECT_FALSE(WriteFile(tree.Path("blocked"), "new").ok());
  EXPECT_THAT(*ListDir(tree.root()), ElementsAre("blocked"));
}

TEST(FsTest, GivesAFileExactlyItsModeWhateverTheUmaskIs) {
  TempTree tree;
  const mode_t before = umask(0077);
  const absl::Status status = WriteFile(tree.Path("shared"), "x", 0644);
  umask(before);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(ModeOf(tree.Path("shared")), 0644u);
}

TEST(FsTest, ReplacesALinkAndNotItsTarget) {
  TempTree tree;
  const std::string target = tree.Write("target", "precious");
  ASSERT_EQ(symlink(target.c_str(), tree.Path("link").c_str()), 0);
  ASSERT_TRUE(WriteFile(tree.Path("link"), "new").ok());
  EXPECT_EQ(*ReadFile(target), "precious");
  EXPECT_EQ(*ReadFile(tree.Path("link")), "new");
}

TEST(FsTest, NamesAFileThatIsNotThere) {
  const absl::Status status = ReadFile("/no/such/file").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "/no/such/file: No such file or directory");
}

TEST(FsTest, RefusesAFileThatIsTooLarge) {
  TempTree tree;
  const std::string path = tree.Write("large", std::string(101, 'x'));
  EXPECT_EQ(ReadFile(path, 100).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(ReadFile(path, 101).ok());
}

TEST(FsTest, MakesParentsAndTakesExistingOnes) {
  TempTree tree;
  const std::string path = tree.Path("a/b/c");
  EXPECT_TRUE(MakeDirs(path).ok());
  EXPECT_TRUE(MakeDirs(path).ok());
  EXPECT_TRUE(MakeDirs(path + "/").ok());
  EXPECT_EQ(ModeOf(path), 0700u);
}

TEST(FsTest, NamesTheFileThatStandsInTheWayOfADirectory) {
  TempTree tree;
  tree.Write("a", "");
  EXPECT_THAT(std::string(MakeDirs(tree.Path("a")).message()), HasSubstr("make directory"));
  EXPECT_FALSE(MakeDirs(tree.Path("a/b")).ok());
}

TEST(FsTest, RemovesATreeWithoutFollowingLinks) {
  TempTree tree;
  const std::string precious = tree.Write("elsewhere/file", "precious");
  tree.Write("doomed/deep/file", "x");
  ASSERT_EQ(symlink(tree.Path("elsewhere").c_str(), tree.Path("doomed/link").c_str()), 0);
  ASSERT_EQ(symlink(precious.c_str(), tree.Path("doomed/deep/link").c_str()), 0);
  ASSERT_TRUE(RemoveTree(tree.Path("doomed")).ok());
  EXPECT_FALSE(PathExists(tree.Path("doomed")));
  EXPECT_EQ(*ReadFile(precious), "precious");
}

TEST(FsTest, RemovesALinkAndNotItsTarget) {
  TempTree tree;
  const std::string precious = tree.Write("elsewhere/file", "precious");
  ASSERT_EQ(symlink(tree.Path("elsewhere").c_str(), tree.Path("link").c_str()), 0);
  ASSERT_TRUE(RemoveTree(tree.Path("link")).ok());
  EXPECT_EQ(*ReadFile(precious), "precious");
}

TEST(FsTest, TakesAnAbsentTreeAsRemoved) { EXPECT_TRUE(RemoveTree("/no/such/tree").ok()); }

TEST(FsTest, ListsNamesInOrder) {
  TempTree tree;
  for (const char* name : {"b", "a", ".hidden"}) tree.Write(name, "");
  EXPECT_THAT(*ListDir(tree.root()), ElementsAre(".hidden", "a", "b"));
  EXPECT_EQ(ListDir(tree.Path("none")).status().code(), absl::StatusCode::kNotFound);
}

TEST(FsTest, JoinsAndSplitsPaths) {
  EXPECT_EQ(JoinPath("a", "b"), "a/b");
  EXPECT_EQ(JoinPath("a/", "b"), "a/b");
  EXPECT_EQ(JoinPath("a", "/b"), "/b");
  EXPECT_EQ(JoinPath("", "b"), "b");
  EXPECT_EQ(DirName("/a/b"), "/a");
  EXPECT_EQ(DirName("/a"), "/");
  EXPECT_EQ(DirName("a"), ".");
  EXPECT_EQ(BaseName("/a/b"), "b");
  EXPECT_EQ(BaseName("b"), "b");
}

}  // namespace
}  // namespace muster
