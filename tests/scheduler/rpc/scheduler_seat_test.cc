#include "scheduler/rpc/scheduler_seat.h"

#include <memory>
#include <string>

#include "common/rpc/deadline.h"
#include "common/rpc/error_details.h"
#include "common/rpc/grpc_status.h"
#include "gtest/gtest.h"
#include "scheduler/rpc/job_service.h"
#include "tests/fakes/fake_scheduler.h"
#include "tests/fakes/rpc_rig.h"

namespace muster {
namespace {

// JobService over a seat that is taken and left while calls come in.
class SchedulerSeatTest : public testing::Test {
 protected:
  SchedulerSeatTest() : service_(rig_.loop(), &seat_, "root") {
    rig_.Serve({&service_});
    stub_ = v1::JobService::NewStub(rig_.channel());
  }
  ~SchedulerSeatTest() override { rig_.Stop(); }

  absl::Status Get() {
    grpc::ClientContext context;
    SetTimeout(&context, absl::Seconds(20));
    v1::GetJobRequest request;
    v1::GetJobResponse response;
    return FromGrpcStatus(stub_->GetJob(&context, request, &response));
  }

  RpcRig rig_;
  FakeScheduler scheduler_;
  SchedulerSeat seat_{rig_.calls()};
  JobServiceRpc service_;
  std::unique_ptr<v1::JobService::Stub> stub_;
};

TEST_F(SchedulerSeatTest, AnEmptySeatSaysWhereTheSchedulerIs) {
  rig_.OnLoop([this] { seat_.Vacate(SchedulerIsElsewhere("10.0.0.2:7077")); });
  const absl::Status status = Get();

  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  const v1::ErrorDetails details = DetailsOf(status);
  ASSERT_EQ(details.errors_size(), 1);
  EXPECT_EQ(details.errors(0).reason(), "NOT_THE_SCHEDULER");
  EXPECT_EQ(details.errors(0).scheduler_address(), "10.0.0.2:7077");
}

TEST_F(SchedulerSeatTest, OneWhoSitsThereAnswersWhileHeMayAct) {
  bool may_act = true;
  rig_.OnLoop([&] { seat_.Take(&scheduler_, {[&may_act] { return may_act; }}); });
  EXPECT_TRUE(Get().ok());
  rig_.OnLoop([&] { may_act = false; });

  EXPECT_TRUE(absl::IsUnavailable(Get()));
  rig_.OnLoop([this] { seat_.Vacate(NoScheduler("the test is over")); });
}

TEST_F(SchedulerSeatTest, EveryCallThatWaitsIsAnsweredWhenTheSchedulerLeaves) {
  rig_.OnLoop([this] { seat_.Take(&scheduler_); });
  grpc::ClientContext context;
  SetTimeout(&context, absl::Seconds(20));
  v1::WatchJobRequest request;
  const auto stream = stub_->WatchJob(&context, request);
  v1::WatchJobResponse response;
  ASSERT_TRUE(stream->Read(&response));
  rig_.OnLoop([this] { seat_.Vacate(NoScheduler("the last one has left")); });

  EXPECT_FALSE(stream->Read(&response));
  const absl::Status status = FromGrpcStatus(stream->Finish());
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  rig_.OnLoop([this] { EXPECT_EQ(scheduler_.watchers(), 0); });
}

TEST_F(SchedulerSeatTest, TheSeatMayBeTakenAgain) {
  rig_.OnLoop([this] {
    seat_.Take(&scheduler_);
    seat_.Vacate(NoScheduler("deposed"));
    seat_.Take(&scheduler_);
  });
  grpc::ClientContext context;
  SetTimeout(&context, absl::Seconds(20));
  v1::WatchJobRequest request;
  const auto stream = stub_->WatchJob(&context, request);
  v1::WatchJobResponse response;

  EXPECT_TRUE(stream->Read(&response));
}

}  // namespace
}  // namespace muster
