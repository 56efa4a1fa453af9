#include "ctl/client/last_job.h"

#include <cstdlib>

#include "common/base/fs.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

class LastJobTest : public testing::Test {
 protected:
  LastJobTest() {
    std::string pattern = JoinPath(testing::TempDir(), "last-XXXXXX");
    home_ = mkdtemp(pattern.data());
  }
  EnvLookup Env() {
    return [this](const std::string& name) { return name == "XDG_STATE_HOME" ? home_ : ""; };
  }
  std::string home_;
};

TEST_F(LastJobTest, KeepsTheLastOneOfEachAddress) {
  LastJob(Env()).Remember("unix:/a", "job-1");
  LastJob(Env()).Remember("unix:/b", "job-2");
  LastJob(Env()).Remember("unix:/a", "job-3");
  EXPECT_EQ(LastJob(Env()).Recall("unix:/a"), "job-3");
  EXPECT_EQ(LastJob(Env()).Recall("unix:/b"), "job-2");
  EXPECT_EQ(LastJob(Env()).Recall("unix:/c"), "");
}

TEST_F(LastJobTest, DoesWithoutAHome) {
  const LastJob none([](const std::string&) { return std::string(); });
  none.Remember("unix:/a", "job-1");
  EXPECT_EQ(none.Recall("unix:/a"), "");
}

}  // namespace
}  // namespace muster
