#include "agent/state_format.h"

#include <string>

#include "agent/task/sealed_file.h"
#include "common/base/fs.h"
#include "common/base/protocol.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

using ::testing::HasSubstr;

class StateFormatTest : public testing::Test {
 protected:
  std::string Mark() { return *Unseal("format", *ReadFile(tree_.Path("format"))); }
  void SetMark(const std::string& mark) { tree_.Write("format", Seal("format", mark)); }

  TempTree tree_;
};

TEST_F(StateFormatTest, ANewDirectoryIsMarked) {
  ASSERT_TRUE(CheckStateFormat(tree_.root()).ok());
  EXPECT_THAT(Mark(), HasSubstr(ToString(OwnProtocol()) + " "));
  EXPECT_TRUE(CheckStateFormat(tree_.root()).ok());
}

TEST_F(StateFormatTest, AnOlderMinorIsRaised) {
  SetMark("1.0 0.0.9");
  ASSERT_TRUE(CheckStateFormat(tree_.root()).ok());
  EXPECT_THAT(Mark(), HasSubstr(ToString(OwnProtocol()) + " "));
}

TEST_F(StateFormatTest, ANewerMinorIsUsedAndItsMarkStays) {
  SetMark("1.77 0.9.0");
  ASSERT_TRUE(CheckStateFormat(tree_.root()).ok());
  EXPECT_EQ(Mark(), "1.77 0.9.0");
}

TEST_F(StateFormatTest, AnotherMajorIsRefusedInOneLineThatNamesBoth) {
  SetMark("2.0 3.1.4");
  const absl::Status status = CheckStateFormat(tree_.root());
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("format is 2.0, written by msagentd 3.1.4"));
  EXPECT_EQ(Mark(), "2.0 3.1.4");
}

TEST_F(StateFormatTest, ADamagedMarkIsMadeAgain) {
  tree_.Write("format", "muster format 1 00000000 9\n2.0 3.1.4");
  ASSERT_TRUE(CheckStateFormat(tree_.root()).ok());
  EXPECT_THAT(Mark(), HasSubstr(ToString(OwnProtocol()) + " "));
}

}  // namespace
}  // namespace muster
