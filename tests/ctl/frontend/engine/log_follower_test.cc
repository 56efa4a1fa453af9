#include "ctl/frontend/engine/log_follower.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "common/base/fs.h"
#include "common/base/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/ctl/frontend/engine/loop_wait.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

class LogFollowerTest : public testing::Test {
 protected:
  void Follow(const std::string& path, int64_t offset) {
    ASSERT_TRUE(
        follower_
            ->Follow(path, offset, [this](absl::string_view bytes) { seen_ += std::string(bytes); })
            .ok());
  }
  void Append(const std::string& path, const std::string& text) {
    const UniqueFd fd(open(path.c_str(), O_WRONLY | O_APPEND));
    ASSERT_EQ(write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  bool Sees(const std::string& text) {
    return RunUntil(&loop_, [this, &text] { return seen_ == text; });
  }

  TempTree tree_;
  EventLoop loop_;
  std::string seen_;
  std::unique_ptr<LogFollower> follower_ = LogFollower::Create(&loop_).value();
};

TEST_F(LogFollowerTest, ShowsWhatIsThereAndWhatComes) {
  const std::string path = tree_.Write("a.log", "first\n");
  Follow(path, 0);
  EXPECT_TRUE(Sees("first\n"));
  Append(path, "second\n");
  EXPECT_TRUE(Sees("first\nsecond\n"));
}

TEST_F(LogFollowerTest, ShowsAPromptWithoutItsNewline) {
  const std::string path = tree_.Write("a.log", "");
  Follow(path, 0);
  Append(path, "(Pdb) ");
  EXPECT_TRUE(Sees("(Pdb) "));
}

TEST_F(LogFollowerTest, BeginsAtTheOffset) {
  Follow(tree_.Write("a.log", "old new"), 4);
  EXPECT_TRUE(Sees("new"));
}

TEST_F(LogFollowerTest, ReadsATruncatedFileFromItsStart) {
  const std::string path = tree_.Write("a.log", "a long first life\n");
  Follow(path, 0);
  ASSERT_TRUE(Sees("a long first life\n"));
  ASSERT_EQ(truncate(path.c_str(), 0), 0);
  Append(path, "two\n");
  EXPECT_TRUE(Sees("a long first life\ntwo\n"));
}

TEST_F(LogFollowerTest, DrainLeavesNothingUnread) {
  const std::string path = tree_.Write("a.log", "");
  Follow(path, 0);
  Append(path, std::string(300 << 10, 'x'));
  follower_->Drain();
  EXPECT_EQ(seen_.size(), size_t{300} << 10);
}

TEST_F(LogFollowerTest, AFileThatGrowsAsFastAsItIsReadDoesNotHoldTheLoop) {
  const std::string path = tree_.Write("a.log", "x");
  bool grows = true;
  ASSERT_TRUE(follower_
                  ->Follow(path, 0,
                           [this, &path, &grows](absl::string_view bytes) {
                             seen_ += std::string(bytes);
                             if (grows) Append(path, std::string(64 << 10, 'x'));
                           })
                  .ok());
  ASSERT_TRUE(RunUntil(&loop_, [this] { return !seen_.empty(); }));
  loop_.After(absl::ZeroDuration(), [&grows] { grows = false; });
  EXPECT_TRUE(RunUntil(&loop_, [&grows] { return !grows; }));
  const size_t size = ReadFile(path).value().size();
  EXPECT_TRUE(RunUntil(&loop_, [this, size] { return seen_.size() == size; }));
}

TEST_F(LogFollowerTest, WhatTheGateKeepsBackComesLater) {
  bool open = false;
  int asked = 0;
  follower_->set_gate([&open, &asked] {
    ++asked;
    return open;
  });
  Follow(tree_.Write("a.log", "text"), 0);
  ASSERT_TRUE(RunUntil(&loop_, [&asked] { return asked > 2; }));
  EXPECT_EQ(seen_, "");
  open = true;
  EXPECT_TRUE(Sees("text"));
}

// What the console did not take of the last piece goes out by the gate.
TEST_F(LogFollowerTest, AClosedGateIsAskedAlsoAfterTheLastPiece) {
  int asked_after = 0;
  follower_->set_gate([this, &asked_after] { return seen_.empty() || ++asked_after > 3; });
  Follow(tree_.Write("a.log", "text"), 0);
  EXPECT_TRUE(RunUntil(&loop_, [&asked_after] { return asked_after > 3; }));
}

TEST_F(LogFollowerTest, PiecesBehindTheGateAreSmall) {
  bool open = true;
  follower_->set_gate([&open] { return std::exchange(open, false); });
  Follow(tree_.Write("a.log", std::string(1 << 20, 'x')), 0);
  ASSERT_TRUE(RunUntil(&loop_, [this] { return !seen_.empty(); }));
  follower_->Look();
  EXPECT_EQ(seen_.size(), size_t{16} << 10);
  follower_->Drain();
  EXPECT_EQ(seen_.size(), size_t{1} << 20);
}

TEST_F(LogFollowerTest, ARetiredFileIsReadToTheEndThatItHadThen) {
  const std::string path = tree_.Write("a.log", "");
  Follow(path, 0);
  Append(path, "one\n");
  follower_->Retire();
  Follow(path, 4);  // A later life of the same process.
  Append(path, "two\n");
  EXPECT_TRUE(Sees("one\ntwo\n"));
  Append(path, "three\n");
  EXPECT_TRUE(Sees("one\ntwo\nthree\n"));
}

TEST_F(LogFollowerTest, APipeIsLeftToItsReader) {
  const std::string path = tree_.Path("pipe");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  Follow(path, 0);
  follower_->Drain();
  EXPECT_EQ(seen_, "");
}

TEST_F(LogFollowerTest, NamesTheFileThatIsNotThere) {
  const absl::Status status =
      follower_->Follow(tree_.Path("none.log"), 0, [](absl::string_view) {});
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(status.message().find("none.log"), absl::string_view::npos);
}

}  // namespace
}  // namespace muster
