#include "ctl/view/describe.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(DescribeJobTest, TheCommandCanBeCopied) {
  v1::Job job;
  for (const char* word : {"sh", "-c", "echo \"hello $RANK\""})
    job.mutable_spec()->add_command(word);
  EXPECT_THAT(DescribeJob(job, absl::UnixEpoch()),
              HasSubstr("command      sh -c 'echo \"hello $RANK\"'\n"));
}

TEST(DescribeJobTest, AttemptsThatAreLeftOutAreCounted) {
  v1::Job job;
  job.mutable_status()->add_attempts();
  job.mutable_status()->add_attempts()->set_number(4);
  EXPECT_THAT(DescribeJob(job, absl::UnixEpoch()), Not(HasSubstr("left out")));
  job.mutable_status()->set_attempts_left_out(3);
  EXPECT_THAT(DescribeJob(job, absl::UnixEpoch()), HasSubstr("\n3 attempts left out\n\nAttempt 4"));
}

}  // namespace
}  // namespace muster
