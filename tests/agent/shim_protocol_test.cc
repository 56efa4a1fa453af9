#include "agent/shim_protocol.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/fs.h"
#include "common/base/protocol.h"
#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

constexpr absl::Duration kLong = absl::Seconds(30);
constexpr absl::Duration kTooShort = absl::Milliseconds(50);

class ShimProtocolTest : public testing::Test {
 protected:
  // A program that answers --version with what `script` does.
  std::string Program(const std::string& script) {
    const std::string path = tree_.Path("msshim");
    EXPECT_TRUE(WriteFile(path, absl::StrCat("#!/bin/sh\n", script, "\n"), 0755).ok());
    return path;
  }
  // Does `first` when it is asked for the first time, then answers.
  std::string AnswersAfter(const std::string& first) {
    const std::string asked = tree_.Path("asked");
    return Program(absl::StrCat("if [ ! -e ", asked, " ]; then : > ", asked, "; ", first,
                                "; fi\necho msshim 0.1 protocol 1.1"));
  }

  TempTree tree_;
};

TEST_F(ShimProtocolTest, IsWhatTheProgramSays) {
  const auto version = ShimProtocol(Program("echo msshim 0.1 protocol 1.1"), {kLong});
  ASSERT_TRUE(version.ok()) << version.status();
  EXPECT_EQ(ToString(*version), "1.1");
}

TEST_F(ShimProtocolTest, IsTheFirstMinorWhereTheQuestionIsRefused) {
  const auto version = ShimProtocol(Program("echo usage: >&2; exit 2"), {kLong});
  ASSERT_TRUE(version.ok()) << version.status();
  EXPECT_EQ(ToString(*version), "1.0");
}

TEST_F(ShimProtocolTest, ASlowAnswerIsAwaitedLonger) {
  const auto version = ShimProtocol(AnswersAfter("exec sleep 1000"), {absl::Seconds(1), kLong});
  ASSERT_TRUE(version.ok()) << version.status();
  EXPECT_EQ(ToString(*version), "1.1");
}

TEST_F(ShimProtocolTest, AFailureIsAskedAgain) {
  for (const char* failure : {"exit 1", "kill -9 $$", "echo nonsense; exit 0"}) {
    tree_.Write("asked", "");
    EXPECT_TRUE(RemoveTree(tree_.Path("asked")).ok());
    const auto version = ShimProtocol(AnswersAfter(failure), {kLong, kLong});
    ASSERT_TRUE(version.ok()) << failure << ": " << version.status();
    EXPECT_EQ(ToString(*version), "1.1") << failure;
  }
}

TEST_F(ShimProtocolTest, NoAnswerIsAnErrorAndNoOldVersion) {
  const auto hangs = ShimProtocol(Program("exec sleep 1000"), {kTooShort, kTooShort});
  ASSERT_FALSE(hangs.ok());
  EXPECT_TRUE(absl::StrContains(hangs.status().message(), "not known after 2 tries"))
      << hangs.status();
  EXPECT_TRUE(absl::StrContains(hangs.status().message(), "no end after")) << hangs.status();
  EXPECT_FALSE(ShimProtocol(tree_.Path("missing"), {kLong}).ok());
}

}  // namespace
}  // namespace muster
