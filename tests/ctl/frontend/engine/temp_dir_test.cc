#include "ctl/frontend/engine/temp_dir.h"

#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

TEST(TempDirTest, IsTheFirstThatIsThere) {
  const TempTree tree;
  EXPECT_EQ(TempDir({{"TMPDIR", tree.root()}, {"TMP", "/var/tmp"}}), tree.root());
  EXPECT_EQ(TempDir({{"TMPDIR", tree.Path("of-another-host")}, {"TMP", tree.root()}}), tree.root());
  EXPECT_EQ(TempDir({{"TMPDIR", ""}}), "/tmp");
  EXPECT_EQ(TempDir({}), "/tmp");
}

}  // namespace
}  // namespace muster
