#include "scheduler/rpc/job_service.h"

#include <memory>
#include <string>
#include <thread>

#include "common/rpc/deadline.h"
#include "common/rpc/error_details.h"
#include "common/rpc/grpc_status.h"
#include "gtest/gtest.h"
#include "tests/fakes/fake_scheduler.h"
#include "tests/fakes/rpc_rig.h"

namespace muster {
namespace {

v1::Job JobIn(v1::JobState state, int64_t version) {
  v1::Job job;
  job.set_id("digits-1a2b3c");
  job.mutable_status()->set_state(state);
  job.mutable_status()->set_version(version);
  return job;
}

class JobServiceTest : public testing::Test {
 protected:
  JobServiceTest() : service_(rig_.loop(), &seat_, "root") {
    rig_.OnLoop([this] { seat_.Take(&scheduler_); });
    rig_.Serve({&service_});
    stub_ = v1::JobService::NewStub(rig_.channel());
    SetTimeout(&context_, absl::Seconds(20));
    scheduler_.job = JobIn(v1::JOB_STATE_RUNNING, 1);
  }
  ~JobServiceTest() override { rig_.Stop(); }

  void Change(v1::JobState state, int64_t version) {
    rig_.OnLoop([&] { scheduler_.Change(JobIn(state, version)); });
  }
  bool AwaitWatchers(int watchers) {
    return rig_.Await([&] { return scheduler_.watchers() == watchers; });
  }

  RpcRig rig_;
  FakeScheduler scheduler_;
  SchedulerSeat seat_{rig_.calls()};
  JobServiceRpc service_;
  std::unique_ptr<v1::JobService::Stub> stub_;
  grpc::ClientContext context_;
};

TEST_F(JobServiceTest, SubmitsForTheLocalUser) {
  v1::SubmitJobRequest request;
  request.set_request_id("r1");
  v1::SubmitJobResponse response;
  ASSERT_TRUE(stub_->SubmitJob(&context_, request, &response).ok());
  EXPECT_EQ(response.job().id(), "digits-1a2b3c");
  rig_.OnLoop([this] {
    EXPECT_EQ(scheduler_.submits.at(0).first.request_id(), "r1");
    EXPECT_EQ(scheduler_.submits.at(0).second, "root");
  });
}

TEST_F(JobServiceTest, ScalesForTheLocalUser) {
  v1::ScaleJobRequest request;
  request.set_request_id("r1");
  request.mutable_nodes()->set_max(4);
  v1::ScaleJobResponse response;
  ASSERT_TRUE(stub_->ScaleJob(&context_, request, &response).ok());
  EXPECT_EQ(response.job().id(), "digits-1a2b3c");
  rig_.OnLoop([this] {
    EXPECT_EQ(scheduler_.scales.at(0).first.nodes().max(), 4);
    EXPECT_EQ(scheduler_.scales.at(0).second, "root");
  });
}

TEST_F(JobServiceTest, ReturnsEveryFaultOfARefusedSpec) {
  rig_.OnLoop([this] {
    absl::Status status = absl::InvalidArgumentError("2 faults");
    status = WithDetail(status, "NO_COMMAND", "job.command", "give one");
    scheduler_.job = WithDetail(status, "BAD_NAME", "job.name", "");
  });
  v1::SubmitJobResponse response;
  const absl::Status status =
      FromGrpcStatus(stub_->SubmitJob(&context_, v1::SubmitJobRequest(), &response));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  ASSERT_EQ(DetailsOf(status).errors_size(), 2);
  EXPECT_EQ(DetailsOf(status).errors(0).field_path(), "job.command");
}

TEST_F(JobServiceTest, WatchesUntilTheJobIsFinal) {
  v1::WatchJobRequest request;
  auto reader = stub_->WatchJob(&context_, request);
  v1::WatchJobResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.job().status().version(), 1);
  Change(v1::JOB_STATE_SUCCEEDED, 2);
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.job().status().state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_TRUE(AwaitWatchers(0));
}

TEST_F(JobServiceTest, SendsAFinalJobOnce) {
  rig_.OnLoop([this] { scheduler_.job = JobIn(v1::JOB_STATE_FAILED, 9); });
  auto reader = stub_->WatchJob(&context_, v1::WatchJobRequest());
  v1::WatchJobResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(JobServiceTest, FoldsChangesForASlowWatcherAndKeepsTheLast) {
  auto reader = stub_->WatchJob(&context_, v1::WatchJobRequest());
  v1::WatchJobResponse response;
  ASSERT_TRUE(reader->Read(&response));
  constexpr int kChanges = 2000;
  rig_.OnLoop([this] {  // In one turn of the loop: at most one write can start.
    for (int i = 2; i <= kChanges; ++i) scheduler_.Change(JobIn(v1::JOB_STATE_RUNNING, i));
    scheduler_.Change(JobIn(v1::JOB_STATE_SUCCEEDED, kChanges + 1));
  });
  int messages = 0;
  while (reader->Read(&response)) ++messages;
  EXPECT_LE(messages, 2);
  EXPECT_EQ(response.job().status().version(), kChanges + 1);
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(JobServiceTest, ForgetsAWatcherThatGoesAway) {
  auto reader = stub_->WatchJob(&context_, v1::WatchJobRequest());
  v1::WatchJobResponse response;
  ASSERT_TRUE(reader->Read(&response));
  context_.TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(AwaitWatchers(0));
  Change(v1::JOB_STATE_SUCCEEDED, 2);
}

TEST_F(JobServiceTest, RefusesToWatchWhatIsUnknown) {
  rig_.OnLoop([this] { scheduler_.job = absl::NotFoundError("no job x"); });
  auto reader = stub_->WatchJob(&context_, v1::WatchJobRequest());
  v1::WatchJobResponse response;
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(JobServiceTest, WaitsUntilTheJobIsFinal) {
  v1::WaitJobResponse response;
  grpc::Status status;
  std::thread waiter([&] { status = stub_->WaitJob(&context_, v1::WaitJobRequest(), &response); });
  EXPECT_TRUE(AwaitWatchers(1));
  Change(v1::JOB_STATE_STOPPING, 2);
  Change(v1::JOB_STATE_CANCELLED, 3);
  waiter.join();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.job().status().state(), v1::JOB_STATE_CANCELLED);
  EXPECT_TRUE(AwaitWatchers(0));
}

TEST_F(JobServiceTest, EndsAWaitAtItsTimeout) {
  v1::WaitJobRequest request;
  request.set_job_id("digits-1a2b3c");
  request.mutable_timeout()->set_nanos(1'000'000);
  v1::WaitJobResponse response;
  const grpc::Status status = stub_->WaitJob(&context_, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(status.error_message(), "job digits-1a2b3c is not final after 1ms");
  EXPECT_TRUE(AwaitWatchers(0));
}

TEST_F(JobServiceTest, EndsWaitsAndWatchesWhenTheSchedulerGoesDown) {
  auto reader = stub_->WatchJob(&context_, v1::WatchJobRequest());
  v1::WatchJobResponse response;
  ASSERT_TRUE(reader->Read(&response));
  rig_.OnLoop([this] { rig_.calls()->EndAll(absl::UnavailableError("going down")); });
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  grpc::ClientContext late;
  v1::WaitJobResponse waited;
  EXPECT_EQ(stub_->WaitJob(&late, v1::WaitJobRequest(), &waited).error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace muster
