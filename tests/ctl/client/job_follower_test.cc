#include "ctl/client/job_follower.h"

#include <memory>
#include <string>
#include <vector>

#include "common/base/event_loop.h"
#include "common/rpc/crc32c.h"
#include "gtest/gtest.h"
#include "tests/ctl/client/fake_job_source.h"
#include "tests/fakes/fake_clock.h"

namespace muster {
namespace {

v1::Job JobIn(v1::JobState state) {
  v1::Job job;
  job.set_id("job-1");
  job.mutable_spec()->add_roles()->set_name("worker");
  job.mutable_status()->set_state(state);
  return job;
}

// Adds an attempt with rank i on host i.
v1::Attempt* AddAttempt(v1::Job* job, int nodes) {
  const int number = job->status().attempts_size();
  v1::Attempt* attempt = job->mutable_status()->add_attempts();
  attempt->set_number(number);
  for (int i = 0; i < nodes; ++i) {
    v1::NodePlacement* node = attempt->mutable_placement()->add_nodes();
    node->set_node_name("node-" + std::to_string(i));
    node->set_agent_address("agent-" + std::to_string(i));
    v1::RankPlacement* rank = node->add_ranks();
    rank->set_role("worker");
    rank->set_rank(i);
  }
  return attempt;
}

v1::ReadLogsResponse Chunk(int rank, int64_t offset, const std::string& data) {
  v1::ReadLogsResponse message;
  message.mutable_chunk()->set_role("worker");
  message.mutable_chunk()->set_rank(rank);
  message.mutable_chunk()->set_stream(v1::OUTPUT_STREAM_STDOUT);
  message.mutable_chunk()->set_offset(offset);
  message.mutable_chunk()->set_data(data);
  message.mutable_chunk()->set_crc32c(Crc32c(data));
  return message;
}

class JobFollowerTest : public testing::Test {
 protected:
  void Follow(JobFollower::Options options = {}) {
    options.job_id = "job-1";
    options.give_up_after = absl::Seconds(30);
    JobFollower::Callbacks callbacks;
    callbacks.on_job = [this](const v1::Job& job) { state_ = job.status().state(); };
    callbacks.on_log = [this](const v1::ReadLogsResponse& message) {
      output_ += message.chunk().data();
    };
    callbacks.on_attempt_read = [this](int attempt) { read_.push_back(attempt); };
    callbacks.on_notice = [this](const std::string& text) { notices_.push_back(text); };
    callbacks.on_done = [this](const absl::Status& status) { done_.push_back(status); };
    follower_ = std::make_unique<JobFollower>(&source_, &loop_, options, std::move(callbacks));
  }
  // Lets waits of up to `time` pass.
  // On one host, as `logs -f` does.
  void FollowARunningJob() {
    JobFollower::Options options;
    options.logs.follow = true;
    Follow(options);
    v1::Job job = JobIn(v1::JOB_STATE_RUNNING);
    AddAttempt(&job, 1);
    source_.SendJob(job);
  }
  void Pass(absl::Duration time) {
    clock_.Advance(time);
    loop_.RunDue();
  }

  FakeClock clock_;
  EventLoop loop_{&clock_};
  FakeJobSource source_;
  v1::JobState state_ = v1::JOB_STATE_UNSPECIFIED;
  std::string output_;
  std::vector<int> read_;
  std::vector<std::string> notices_;
  std::vector<absl::Status> done_;
  std::unique_ptr<JobFollower> follower_;
};

TEST_F(JobFollowerTest, ReadsLogsOnlyOnceTheAttemptStarts) {
  Follow();
  v1::Job job = JobIn(v1::JOB_STATE_QUEUED);
  source_.SendJob(job);
  AddAttempt(&job, 1);
  job.mutable_status()->set_state(v1::JOB_STATE_RESERVING);
  source_.SendJob(job);
  EXPECT_TRUE(source_.reads.empty());
  job.mutable_status()->set_state(v1::JOB_STATE_STARTING);
  source_.SendJob(job);
  ASSERT_EQ(source_.reads.size(), 1u);
  EXPECT_EQ(source_.reads[0]->address, "agent-0");
  EXPECT_EQ(source_.reads[0]->request.cursors(0).role(), "worker");
}

TEST_F(JobFollowerTest, EndsWhenTheJobIsFinalAndItsOutputComplete) {
  Follow();
  v1::Job job = JobIn(v1::JOB_STATE_RUNNING);
  AddAttempt(&job, 2);
  source_.SendJob(job);
  job.mutable_status()->set_state(v1::JOB_STATE_SUCCEEDED);
  source_.SendJob(job);
  source_.EndLog(0, absl::OkStatus());
  EXPECT_TRUE(done_.empty());
  source_.EndLog(1, absl::OkStatus());
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_TRUE(done_[0].ok());
}

TEST_F(JobFollowerTest, ResumesAStreamAtTheExactByteAfterItsAgentWasAway) {
  Follow();
  v1::Job job = JobIn(v1::JOB_STATE_RUNNING);
  AddAttempt(&job, 1);
  source_.SendJob(job);
  source_.SendLog(Chunk(0, 0, "one "));
  source_.EndLog(absl::UnavailableError("gone"));
  Pass(absl::Milliseconds(20));
  ASSERT_EQ(source_.reads.size(), 2u);
  EXPECT_EQ(source_.reads[1]->request.cursors(0).offset(), 4);
  source_.SendLog(Chunk(0, 4, "two"));
  EXPECT_EQ(output_, "one two");
  EXPECT_TRUE(notices_.empty());
}

TEST_F(JobFollowerTest, GoesOverToTheNextAttemptWhenTheLastOneWasRead) {
  Follow();
  v1::Job job = JobIn(v1::JOB_STATE_RUNNING);
  AddAttempt(&job, 1);
  source_.SendJob(job);
  AddAttempt(&job, 1);
  source_.SendJob(job);
  EXPECT_EQ(source_.reads.size(), 1u);
  source_.EndLog(absl::OkStatus());
  EXPECT_EQ(read_, std::vector<int>{0});
  ASSERT_EQ(source_.reads.size(), 2u);
  EXPECT_EQ(source_.reads[1]->request.attempt(), 1);
}

TEST_F(JobFollowerTest, ReadsEveryAttemptOfAJobThatItMissed) {
  JobFollower::Options options;
  options.first_attempt = 0;
  Follow(options);
  v1::Job job = JobIn(v1::JOB_STATE_FAILED);
  AddAttempt(&job, 1);
  AddAttempt(&job, 1);
  source_.SendJob(job);
  source_.EndLog(absl::OkStatus());
  source_.EndLog(absl::OkStatus());
  EXPECT_EQ(read_, (std::vector<int>{0, 1}));
  EXPECT_EQ(done_.size(), 1u);
}

// A job of so many attempts, of which the first and the latest two are on record.
v1::Job RestartedOften(int attempts) {
  v1::Job job = JobIn(v1::JOB_STATE_RUNNING);
  AddAttempt(&job, 1);
  for (const int number : {attempts - 2, attempts - 1}) AddAttempt(&job, 1)->set_number(number);
  return job;
}

TEST_F(JobFollowerTest, GoesOnWithTheNextAttemptOnRecordWhenManyHaveGoneBy) {
  Follow();
  v1::Job job = JobIn(v1::JOB_STATE_RUNNING);
  AddAttempt(&job, 1);
  source_.SendJob(job);
  source_.SendJob(RestartedOften(60));
  EXPECT_TRUE(notices_.empty());
  source_.EndLog(absl::OkStatus());
  ASSERT_EQ(source_.reads.size(), 2u);
  EXPECT_EQ(source_.reads[1]->request.attempt(), 58);
  EXPECT_EQ(notices_, std::vector<std::string>{
                          "no output of attempts 1 to 57: where they ran is no longer on record"});
  source_.EndLog(absl::OkStatus());
  ASSERT_EQ(source_.reads.size(), 3u);
  EXPECT_EQ(source_.reads[2]->request.attempt(), 59);
  EXPECT_EQ(notices_.size(), 1u);
}

TEST_F(JobFollowerTest, GoesOnWhereEvenTheFirstAttemptHasLostItsPlacement) {
  JobFollower::Options options;
  options.first_attempt = 0;
  Follow(options);
  v1::Job job = RestartedOften(3);
  job.mutable_status()->mutable_attempts(0)->clear_placement();
  source_.SendJob(job);
  ASSERT_EQ(source_.reads.size(), 1u);
  EXPECT_EQ(source_.reads[0]->request.attempt(), 1);
  EXPECT_EQ(notices_, std::vector<std::string>{
                          "no output of attempt 0: where it ran is no longer on record"});
}

TEST_F(JobFollowerTest, DoesNotWaitForTheOneAttemptThatHasLeftTheRecord) {
  JobFollower::Options options;
  options.first_attempt = 5;
  options.only_first = true;
  Follow(options);
  source_.SendJob(RestartedOften(60));
  EXPECT_TRUE(source_.reads.empty());
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_TRUE(absl::IsNotFound(done_[0]));
}

TEST_F(JobFollowerTest, AsksAgainWhileTheHostDoesNotKnowTheGangYet) {
  Follow();
  v1::Job job = JobIn(v1::JOB_STATE_STARTING);
  AddAttempt(&job, 1);
  source_.SendJob(job);
  source_.EndLog(absl::NotFoundError("no such job"));
  Pass(absl::Milliseconds(20));
  EXPECT_EQ(source_.reads.size(), 2u);
}

TEST_F(JobFollowerTest, DoesNotWaitForOutputOfAGangThatNeverStarted) {
  Follow();
  v1::Job job = JobIn(v1::JOB_STATE_FAILED);
  AddAttempt(&job, 1);
  source_.SendJob(job);
  for (int i = 0; i < 5 && done_.empty(); ++i) {
    source_.EndLog(absl::NotFoundError("no such job"));
    Pass(absl::Seconds(1));
  }
  EXPECT_EQ(done_.size(), 1u);
  EXPECT_TRUE(notices_.empty());
}

TEST_F(JobFollowerTest, GivesUpAfterTooLongASilence) {
  Follow();
  source_.SendJob(JobIn(v1::JOB_STATE_QUEUED));
  for (int i = 0; i < 100 && done_.empty(); ++i) {
    source_.EndWatch(absl::UnavailableError("gone"));
    Pass(absl::Seconds(1));
  }
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_TRUE(absl::IsUnavailable(done_[0]));
  EXPECT_EQ(notices_.size(), 1u);
}

// Training that says nothing for minutes, and a scheduler and agents that are restarted meanwhile.
TEST_F(JobFollowerTest, AQuietJobIsNotASilentAgent) {
  FollowARunningJob();
  for (int i = 0; i < 3; ++i) {
    Pass(absl::Minutes(10));
    source_.EndWatch(absl::UnavailableError("gone"));
    source_.EndLog(absl::UnavailableError("gone"));
    Pass(absl::Milliseconds(200));
    source_.EndWatch(absl::UnavailableError("gone"));
    source_.EndLog(absl::UnavailableError("gone"));
    Pass(absl::Milliseconds(200));
  }
  EXPECT_TRUE(done_.empty());
  EXPECT_TRUE(notices_.empty());
}

TEST_F(JobFollowerTest, KnowsThatTheOutputOfAHostOutOfReachIsUnread) {
  JobFollower::Options options;
  options.only_first = true;
  Follow(options);
  v1::Job job = JobIn(v1::JOB_STATE_SUCCEEDED);
  AddAttempt(&job, 2);
  source_.SendJob(job);
  ASSERT_EQ(source_.reads.size(), 2u);
  EXPECT_TRUE(follower_->Unread().ok());
  source_.EndLog(0, absl::OkStatus());
  for (int i = 0; i < 100 && done_.empty(); ++i) {
    source_.EndLog(absl::UnavailableError("no agent answers at agent-1"));
    EXPECT_TRUE(absl::IsUnavailable(follower_->Unread()));  // Also while it is tried again.
    Pass(absl::Seconds(1));
  }

  ASSERT_EQ(done_.size(), 1u);
  EXPECT_TRUE(done_[0].ok());
  EXPECT_EQ(notices_,
            (std::vector<std::string>{"output on node-1: no agent answers at agent-1; still trying",
                                      "output on node-1: no agent answers at agent-1"}));
  EXPECT_EQ(follower_->Unread().message(), "no agent answers at agent-1");
}

TEST_F(JobFollowerTest, OutputThatCameAfterALostContactIsNotUnread) {
  FollowARunningJob();
  source_.EndLog(absl::UnavailableError("gone"));
  EXPECT_FALSE(follower_->Unread().ok());
  Pass(absl::Seconds(1));
  source_.SendLog(Chunk(0, 0, "back"));
  EXPECT_TRUE(follower_->Unread().ok());
}

TEST_F(JobFollowerTest, SaysWhenTheAgentIsBack) {
  Follow();
  source_.SendJob(JobIn(v1::JOB_STATE_QUEUED));
  for (int i = 0; i < 3; ++i) {
    source_.EndWatch(absl::UnavailableError("gone"));
    Pass(absl::Seconds(1));
  }
  source_.SendJob(JobIn(v1::JOB_STATE_QUEUED));
  ASSERT_EQ(notices_.size(), 2u);
  EXPECT_EQ(notices_[1], "the agent is back");
  EXPECT_TRUE(done_.empty());
}

TEST_F(JobFollowerTest, TakesAWatchThatEndedTooEarlyForALoss) {
  Follow();
  source_.SendJob(JobIn(v1::JOB_STATE_RUNNING));
  source_.EndWatch(absl::OkStatus());
  Pass(absl::Milliseconds(50));
  EXPECT_EQ(source_.watches.size(), 2u);
}

TEST_F(JobFollowerTest, NamesARankThatTheJobDoesNotHave) {
  JobFollower::Options options;
  options.logs.ranks = {{7, 7}};
  Follow(options);
  v1::Job job = JobIn(v1::JOB_STATE_RUNNING);
  AddAttempt(&job, 2);
  source_.SendJob(job);
  ASSERT_EQ(done_.size(), 1u);
  EXPECT_EQ(done_[0].message(), "rank 7: the job has ranks 0 to 1");
}

TEST_F(JobFollowerTest, AsksOnlyTheHostsOfTheChosenRanks) {
  JobFollower::Options options;
  options.logs.ranks = {{1, 1}};
  Follow(options);
  v1::Job job = JobIn(v1::JOB_STATE_RUNNING);
  AddAttempt(&job, 3);
  source_.SendJob(job);
  ASSERT_EQ(source_.reads.size(), 1u);
  EXPECT_EQ(source_.reads[0]->address, "agent-1");
}

}  // namespace
}  // namespace muster
