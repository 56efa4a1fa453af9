#include "scheduler/rpc/agent_client.h"

#include <memory>
#include <optional>

#include "agent/rpc/agent_service.h"
#include "common/rpc/error_details.h"
#include "gtest/gtest.h"
#include "tests/fakes/fake_gangs.h"
#include "tests/fakes/rpc_rig.h"

namespace muster {
namespace {

class AgentClientTest : public testing::Test {
 protected:
  AgentClientTest() : service_(rig_.loop(), &gangs_) {
    rig_.Serve({&service_});
    client_ = std::make_unique<AgentClient>(rig_.channel(), rig_.loop());
  }
  ~AgentClientTest() override {
    client_ = nullptr;
    rig_.Stop();
  }

  RpcRig rig_;
  FakeGangs gangs_;
  AgentServiceRpc service_;
  std::unique_ptr<AgentClient> client_;
};

TEST_F(AgentClientTest, BringsTheAnswerToTheLoop) {
  v1::ReserveGangRequest request;
  request.mutable_gang()->set_job_id("job");
  request.mutable_placement()->set_node_name("node-1");
  std::optional<absl::StatusOr<v1::ReserveGangResponse>> answer;
  rig_.OnLoop([&] {
    client_->Reserve(request, [&](const absl::StatusOr<v1::ReserveGangResponse>& response) {
      EXPECT_TRUE(rig_.loop()->OnLoop());
      answer = response;
    });
  });
  ASSERT_TRUE(rig_.Await([&] { return answer.has_value(); }));
  ASSERT_TRUE(answer->ok());
  EXPECT_EQ((*answer)->placement().node_name(), "node-1");
}

TEST_F(AgentClientTest, BringsErrorsWithTheirDetails) {
  rig_.OnLoop([this] {
    gangs_.answer = WithDetail(absl::AbortedError("epoch 3 is old"), "OLD_EPOCH", "", "");
  });
  v1::StopGangRequest request;
  request.mutable_gang()->set_job_id("job");
  absl::Status status;
  rig_.OnLoop([&] {
    client_->Stop(request, [&](const absl::StatusOr<v1::StopGangResponse>& response) {
      status = response.status();
    });
  });
  ASSERT_TRUE(rig_.Await([&] { return !status.ok(); }));
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(DetailsOf(status).errors(0).reason(), "OLD_EPOCH");
}

TEST_F(AgentClientTest, AnswersACallThatOutlivesTheClient) {
  rig_.OnLoop([this] { gangs_.hold_starts = true; });
  v1::StartGangRequest request;
  request.mutable_gang()->set_job_id("job");
  int answers = 0;
  rig_.OnLoop([&] {
    client_->Start(request, [&](const absl::StatusOr<v1::StartGangResponse>&) { ++answers; });
  });
  ASSERT_TRUE(rig_.Await([this] { return gangs_.held_starts.size() == 1; }));
  rig_.OnLoop([this] {
    client_ = nullptr;
    gangs_.held_starts[0](absl::OkStatus());
  });
  EXPECT_TRUE(rig_.Await([&] { return answers == 1; }));
}

TEST(BrokenAgentChannelTest, RefusesEveryCall) {
  EventLoop loop;
  const auto channel = MakeBrokenAgentChannel(absl::FailedPreconditionError("no TLS"), &loop);
  absl::Status status;
  channel->Release(
      v1::ReleaseGangRequest(),
      [&](const absl::StatusOr<v1::ReleaseGangResponse>& response) { status = response.status(); });
  EXPECT_TRUE(status.ok());  // Not from within the call.
  loop.RunDue();
  EXPECT_EQ(status, absl::FailedPreconditionError("no TLS"));
}

}  // namespace
}  // namespace muster
