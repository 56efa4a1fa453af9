#include "ctl/view/silence.h"

#include "gtest/gtest.h"

namespace muster {
namespace {

v1::Job JobIn(v1::JobState state) {
  v1::Job job;
  job.set_id("digits-1");
  job.mutable_status()->set_state(state);
  return job;
}

TEST(SilenceTest, SaysWhatTheJobWaitsFor) {
  v1::Job job = JobIn(v1::JOB_STATE_QUEUED);
  job.mutable_status()->set_reason("needs 8 nvidia devices, 4 are free");
  EXPECT_EQ(SilenceText(job, -1, LogSelection()),
            "job digits-1 has written nothing yet; the job is queued: needs 8 nvidia devices, 4 "
            "are free");
}

TEST(SilenceTest, NamesTheRanksAndTheStreamThatWereAskedFor) {
  LogSelection selection;
  selection.ranks = {{7, 7}};
  EXPECT_EQ(SilenceText(JobIn(v1::JOB_STATE_RUNNING), -1, selection),
            "rank 7 of job digits-1 has written nothing yet; the job is running");
  selection.ranks = {{0, 3}, {7, 7}};
  selection.want_stdout = false;
  EXPECT_EQ(SilenceText(JobIn(v1::JOB_STATE_RUNNING), -1, selection),
            "ranks 0-3,7 of job digits-1 have written nothing to stderr yet; the job is running");
}

TEST(SilenceTest, NothingWillComeOfWhatIsOver) {
  EXPECT_EQ(SilenceText(JobIn(v1::JOB_STATE_SUCCEEDED), -1, LogSelection()),
            "job digits-1 wrote nothing");
  v1::Job job = JobIn(v1::JOB_STATE_RUNNING);
  job.mutable_status()->add_attempts()->mutable_end_time()->set_seconds(1);
  job.mutable_status()->add_attempts()->set_number(1);
  EXPECT_EQ(SilenceText(job, 0, LogSelection()), "job digits-1 wrote nothing in attempt 0");
  job.mutable_status()->mutable_attempts(1)->set_number(60);
  EXPECT_EQ(SilenceText(job, 5, LogSelection()), "job digits-1 wrote nothing in attempt 5");
}

}  // namespace
}  // namespace muster
