#include "agent/rpc/agent_service.h"

#include "common/rpc/deadline.h"
#include "common/rpc/error_details.h"
#include "common/rpc/grpc_status.h"
#include "gtest/gtest.h"
#include "tests/fakes/fake_gangs.h"
#include "tests/fakes/rpc_rig.h"

namespace muster {
namespace {

class AgentServiceTest : public testing::Test {
 protected:
  AgentServiceTest() : service_(rig_.loop(), &gangs_) {
    rig_.Serve({&service_});
    stub_ = v1::AgentService::NewStub(rig_.channel());
    SetTimeout(&context_, absl::Seconds(10));
  }
  ~AgentServiceTest() override { rig_.Stop(); }

  RpcRig rig_;
  FakeGangs gangs_;
  AgentServiceRpc service_;
  std::unique_ptr<v1::AgentService::Stub> stub_;
  grpc::ClientContext context_;
};

TEST_F(AgentServiceTest, ReturnsTheReservation) {
  v1::ReserveGangRequest request;
  request.mutable_gang()->set_job_id("job");
  request.mutable_placement()->set_node_name("node-1");
  v1::ReserveGangResponse response;
  EXPECT_TRUE(stub_->ReserveGang(&context_, request, &response).ok());
  EXPECT_EQ(response.placement().node_name(), "node-1");
}

TEST_F(AgentServiceTest, ReturnsARefusalWithItsDetails) {
  rig_.OnLoop([this] {
    gangs_.answer = WithDetail(absl::ResourceExhaustedError("2 devices are short"), "DEVICES_SHORT",
                               "", "wait for job x");
  });
  v1::ReserveGangRequest request;
  request.mutable_gang()->set_job_id("job");
  v1::ReserveGangResponse response;
  const absl::Status status = FromGrpcStatus(stub_->ReserveGang(&context_, request, &response));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "2 devices are short");
  EXPECT_EQ(DetailsOf(status).errors(0).reason(), "DEVICES_SHORT");
}

TEST_F(AgentServiceTest, AnswersAStartWhenTheEngineIsDone) {
  rig_.OnLoop([this] { gangs_.hold_starts = true; });
  v1::StartGangRequest request;
  request.mutable_gang()->set_job_id("job");
  v1::StartGangResponse response;
  grpc::Status status;
  std::thread caller([&] { status = stub_->StartGang(&context_, request, &response); });
  EXPECT_TRUE(rig_.Await([this] { return gangs_.held_starts.size() == 1; }));
  rig_.OnLoop([this] { gangs_.held_starts[0](absl::FailedPreconditionError("lapsed")); });
  caller.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(AgentServiceTest, RefusesACommandForNoGang) {
  v1::StopGangResponse response;
  const grpc::Status status = stub_->StopGang(&context_, v1::StopGangRequest(), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  rig_.OnLoop([this] { EXPECT_TRUE(gangs_.stops.empty()); });
}

}  // namespace
}  // namespace muster
