#include "agent/base_env.h"

#include <cstdlib>

#include "gtest/gtest.h"

namespace muster {
namespace {

TEST(BaseEnvTest, HasWhatProgramsNeedAndNothingElseOfTheAgents) {
  setenv("PATH", "/opt/bin:/bin", 1);
  setenv("SECRET_TOKEN", "x", 1);
  setenv("TMPDIR", "/scratch", 1);
  const auto env = BaseEnv();
  EXPECT_EQ(env.at("PATH"), "/opt/bin:/bin");
  EXPECT_EQ(env.at("TMPDIR"), "/scratch");
  EXPECT_EQ(env.at("USER"), UserName());
  EXPECT_FALSE(env.at("HOME").empty());
  EXPECT_FALSE(env.at("LANG").empty());
  EXPECT_EQ(env.count("SECRET_TOKEN"), 0u);
}

TEST(BaseEnvTest, HasAPathWhereTheAgentHasNone) {
  unsetenv("PATH");
  unsetenv("TMPDIR");
  const auto env = BaseEnv();
  EXPECT_EQ(env.at("PATH"), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  EXPECT_EQ(env.count("TMPDIR"), 0u);
}

}  // namespace
}  // namespace muster
