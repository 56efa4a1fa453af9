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

TEST(DescribeJobTest, ShowsTheBudgetsTheFaultsAndWhyItGaveUp) {
  v1::Job job;
  v1::RestartSpec* const restart = job.mutable_spec()->mutable_restart();
  restart->set_max_restarts(3);
  restart->set_max_host_restarts(10);
  restart->mutable_window()->set_seconds(600);
  job.mutable_status()->set_restarts(2);
  job.mutable_status()->set_gave_up("no rank ran in 4 starts in a row");
  v1::Attempt* const attempt = job.mutable_status()->add_attempts();
  attempt->mutable_first_cause()->set_reason("host node-2 lost: not heard for 42s");
  attempt->set_fault_class(v1::FAULT_CLASS_HOST);
  const std::string text = DescribeJob(job, absl::UnixEpoch());
  EXPECT_THAT(text, HasSubstr("gave up      no rank ran in 4 starts in a row\n"));
  EXPECT_THAT(text, HasSubstr("restarts     2; within 10m at most 3, 10 after lost hosts\n"));
  EXPECT_THAT(text, HasSubstr("not heard for 42s\n  fault class  host\n"));
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
