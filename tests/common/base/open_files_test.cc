#include "common/base/open_files.h"

#include <sys/resource.h>

#include "gtest/gtest.h"

namespace muster {
namespace {

rlimit Limit() {
  rlimit limit = {};
  EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  return limit;
}

TEST(OpenFilesTest, ARaisedLimitIsRememberedAndCanBeGivenBack) {
  rlimit limit = Limit();
  ASSERT_GE(limit.rlim_max, 300u);
  EXPECT_EQ(OpenFilesAtBirth(), 0u);
  limit.rlim_cur = 200;
  limit.rlim_max = 300;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);

  RaiseOpenFiles();
  EXPECT_EQ(Limit().rlim_cur, 300u);
  EXPECT_EQ(OpenFilesAtBirth(), 200u);
  RaiseOpenFiles();
  EXPECT_EQ(OpenFilesAtBirth(), 200u);

  EXPECT_TRUE(SetOpenFiles(OpenFilesAtBirth()));
  EXPECT_EQ(Limit().rlim_cur, 200u);
  EXPECT_EQ(Limit().rlim_max, 300u);
  EXPECT_FALSE(SetOpenFiles(301));
}

}  // namespace
}  // namespace muster
