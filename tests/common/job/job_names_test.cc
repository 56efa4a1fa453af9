#include "common/job/job_names.h"

#include <gtest/gtest.h>

#include <string>

#include "common/base/ids.h"

namespace muster {
namespace {

TEST(JobNamesTest, ANameIsSafeAsAFileNameAndADnsLabel) {
  for (const std::string& good :
       {std::string("a"), std::string("resnet-50"), std::string("0"), std::string(40, 'x')}) {
    EXPECT_TRUE(IsJobName(good)) << good;
  }
  for (const char* bad : {"", "-a", "a-", "A", "a_b", "a.b", "..", "a/b", "a b", "ä",
                          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    EXPECT_FALSE(IsJobName(bad)) << bad;
  }
}

TEST(JobNamesTest, EveryNewIdIsAnId) {
  EXPECT_TRUE(IsJobId(NewJobId("digits")));
  for (const char* bad : {"digits", "-0a1b2c", "digits-0A1B2C", "digits-0a1b2", "di_gits-0a1b2c"}) {
    EXPECT_FALSE(IsJobId(bad)) << bad;
  }
}

TEST(JobNamesTest, AnyTextBecomesAValidName) {
  EXPECT_EQ(JobNameFrom("Train_v2.py"), "train-v2-py");
  EXPECT_EQ(JobNameFrom("--x--"), "x");
  EXPECT_EQ(JobNameFrom("..."), "job");
  EXPECT_EQ(JobNameFrom(""), "job");
  EXPECT_TRUE(IsJobName(JobNameFrom(std::string(39, 'a') + "-b-c")));
}

TEST(JobNamesTest, EnvironmentVariablesAreNamedAsInTheShell) {
  EXPECT_TRUE(IsEnvName("FLAGS_selected_gpus"));
  EXPECT_TRUE(IsEnvName("_x1"));
  for (const char* bad : {"", "1X", "A-B", "A=B", "A B"}) EXPECT_FALSE(IsEnvName(bad)) << bad;
}

}  // namespace
}  // namespace muster
