#include "ctl/frontend/engine/log_follower.h"

#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <string>

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

TEST_F(LogFollowerTest, NamesTheFileThatIsNotThere) {
  const absl::Status status =
      follower_->Follow(tree_.Path("none.log"), 0, [](absl::string_view) {});
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(status.message().find("none.log"), absl::string_view::npos);
}

}  // namespace
}  // namespace muster
