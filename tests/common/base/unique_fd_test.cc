#include "common/base/unique_fd.h"

#include <fcntl.h>

#include <utility>

#include "gtest/gtest.h"

namespace muster {
namespace {

int OpenNull() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

TEST(UniqueFdTest, ClosesAtTheEndOfItsScope) {
  const int fd = OpenNull();
  {
    UniqueFd owner(fd);
    EXPECT_TRUE(IsOpen(fd));
  }
  EXPECT_FALSE(IsOpen(fd));
}

TEST(UniqueFdTest, MovesItsDescriptorAndClosesWhatItReplaces) {
  const int first = OpenNull();
  const int second = OpenNull();
  UniqueFd a(first);
  UniqueFd b(second);
  a = std::move(b);
  EXPECT_EQ(a.get(), second);
  EXPECT_FALSE(b.valid());  // NOLINT(bugprone-use-after-move): a moved-from owner is empty.
  EXPECT_FALSE(IsOpen(first));
}

TEST(UniqueFdTest, GivesItsDescriptorAway) {
  UniqueFd owner(OpenNull());
  UniqueFd next(owner.release());
  EXPECT_FALSE(owner.valid());
  EXPECT_TRUE(IsOpen(next.get()));
}

}  // namespace
}  // namespace muster
