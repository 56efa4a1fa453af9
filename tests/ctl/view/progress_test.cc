#include "ctl/view/progress.h"

#include "gtest/gtest.h"
#include "tests/ctl/view/captured_output.h"
#include "tests/fakes/fake_clock.h"

namespace muster {
namespace {

v1::Job Starting(int running) {
  v1::Job job;
  job.set_id("job-1");
  job.mutable_status()->set_state(v1::JOB_STATE_STARTING);
  v1::Attempt* attempt = job.mutable_status()->add_attempts();
  v1::NodePlacement* node = attempt->mutable_placement()->add_nodes();
  for (int i = 0; i < 4; ++i) {
    node->add_ranks();
    attempt->add_ranks()->set_state(i < running ? v1::RANK_STATE_RUNNING : v1::RANK_STATE_STARTING);
  }
  return job;
}

class ProgressTest : public testing::Test {
 protected:
  FakeClock clock_;
  CapturedOutput err_;
  Terminal terminal_;
};

TEST_F(ProgressTest, ADatedLinePerStageWhenNobodyWatches) {
  Progress progress(err_.output(), terminal_, &clock_, /*quiet=*/false);
  progress.OnJob(Starting(0));
  progress.OnJob(Starting(3));
  v1::Job running = Starting(4);
  running.mutable_status()->set_state(v1::JOB_STATE_RUNNING);
  progress.OnJob(running);
  EXPECT_EQ(err_.Text(),
            "2026-01-01T00:00:00Z job-1 starting (0/4 ranks)\n"
            "2026-01-01T00:00:00Z job-1 running (4 ranks on 1 node)\n");
}

TEST_F(ProgressTest, OneLineDrawnAgainOnATerminal) {
  terminal_.is_tty = true;
  Progress progress(err_.output(), terminal_, &clock_, false);
  progress.OnJob(Starting(0));
  progress.OnJob(Starting(3));
  progress.Clear();
  EXPECT_EQ(err_.Text(), "job-1 starting (0/4 ranks)\r\x1b[Kjob-1 starting (3/4 ranks)\r\x1b[K");
}

TEST_F(ProgressTest, SaysWhatAQueuedJobWaitsFor) {
  v1::Job job;
  job.mutable_status()->set_state(v1::JOB_STATE_QUEUED);
  job.mutable_status()->set_reason("needs 8 nvidia devices, 4 are free");
  EXPECT_EQ(StageText(job), "queued: needs 8 nvidia devices, 4 are free");
}

TEST_F(ProgressTest, CountsAttemptsFromZeroAsEverythingElseDoes) {
  v1::Job job = Starting(0);
  job.mutable_status()->mutable_attempts(0)->set_number(1);
  EXPECT_EQ(StageText(job), "starting (0/4 ranks), attempt 1");
}

TEST_F(ProgressTest, DoesNotCallRunningWhatCouldNotBeStarted) {
  v1::Job job = Starting(4);
  v1::RankStatus* failed = job.mutable_status()->mutable_attempts(0)->mutable_ranks(2);
  failed->set_state(v1::RANK_STATE_EXITED);
  failed->mutable_exit()->set_not_started("cannot start 'foo': No such file or directory");
  EXPECT_EQ(StageText(job), "starting (3/4 ranks)");
  job.mutable_status()->set_state(v1::JOB_STATE_RUNNING);
  Progress progress(err_.output(), terminal_, &clock_, /*quiet=*/false);
  progress.OnJob(job);
  EXPECT_EQ(err_.Text(), "");
}

TEST_F(ProgressTest, QuietShowsNoticesAlone) {
  Progress progress(err_.output(), terminal_, &clock_, /*quiet=*/true);
  progress.OnJob(Starting(0));
  progress.Notice("the agent is back");
  EXPECT_EQ(err_.Text(), "2026-01-01T00:00:00Z the agent is back\n");
}

}  // namespace
}  // namespace muster
