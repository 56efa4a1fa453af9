#include "scheduler/rpc/node_service.h"

#include <memory>

#include "common/rpc/deadline.h"
#include "gtest/gtest.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_scheduler.h"
#include "tests/fakes/rpc_rig.h"

namespace muster {
namespace {

class NodeServiceTest : public testing::Test {
 protected:
  NodeServiceTest() : service_(rig_.loop(), &seat_) {
    rig_.OnLoop([this] { seat_.Take(&scheduler_); });
    scheduler_.welcome->set_epoch(5);
    rig_.Serve({&service_});
    stub_ = v1::NodeService::NewStub(rig_.channel());
    SetTimeout(&context_, absl::Seconds(20));
    stream_ = stub_->ConnectNode(&context_);
  }
  ~NodeServiceTest() override {
    context_.TryCancel();
    if (!finished_) Finish();
    rig_.Stop();
  }

  grpc::StatusCode Finish() {
    finished_ = true;
    return stream_->Finish().error_code();
  }
  void Hello() {
    v1::ConnectNodeRequest request;
    request.mutable_hello()->mutable_info()->set_id("id-1");
    stream_->Write(request);
    ASSERT_TRUE(stream_->Read(&response_));
    EXPECT_EQ(response_.welcome().epoch(), 5);
  }

  RpcRig rig_;
  FakeScheduler scheduler_;
  SchedulerSeat seat_{rig_.calls()};
  NodeServiceRpc service_;
  std::unique_ptr<v1::NodeService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ConnectNodeRequest, v1::ConnectNodeResponse>>
      stream_;
  v1::ConnectNodeResponse response_;
  bool finished_ = false;
};

TEST_F(NodeServiceTest, AnswersHeartbeats) {
  Hello();
  v1::ConnectNodeRequest request;
  request.mutable_heartbeat()->set_sequence(1);
  stream_->Write(request);
  ASSERT_TRUE(stream_->Read(&response_));
  EXPECT_EQ(response_.heartbeat_sequence(), 1);
  rig_.OnLoop([this] { EXPECT_EQ(scheduler_.heartbeats, 1); });
}

TEST_F(NodeServiceTest, RenewsNoLeaseForALeaderThatMayNotAct) {
  bool may_act = true;
  rig_.OnLoop([this, &may_act] { seat_.Take(&scheduler_, {[&may_act] { return may_act; }}); });
  Hello();
  rig_.OnLoop([&may_act] { may_act = false; });
  v1::ConnectNodeRequest request;
  request.mutable_heartbeat()->set_sequence(1);
  stream_->Write(request);
  request.mutable_info()->set_name("node-1");  // Comes after it.
  stream_->Write(request);
  ASSERT_TRUE(rig_.Await([this] { return scheduler_.infos.size() == 1; }));

  rig_.OnLoop([this, &may_act] {
    EXPECT_EQ(scheduler_.heartbeats, 0);
    may_act = true;
  });
  request.mutable_heartbeat()->set_sequence(2);
  stream_->Write(request);
  ASSERT_TRUE(stream_->Read(&response_));
  EXPECT_EQ(response_.heartbeat_sequence(), 2);
}

TEST_F(NodeServiceTest, ASeatInDoubtRenewsLeasesAndDoesNothingElse) {
  bool may_renew = true;
  int beats = 0;
  PledgeBook::Options options;
  options.on_node = [&beats](const std::string&) { ++beats; };
  FakeClock clock;
  PledgeBook pledges(options, &clock);
  rig_.OnLoop([&] { seat_.Take(&scheduler_, {nullptr, &pledges}); });
  Hello();
  rig_.OnLoop([this, &may_renew] {
    seat_.Doubt(absl::UnavailableError("etcd is gone"), [&may_renew] { return may_renew; });
  });
  v1::ConnectNodeRequest request;
  request.mutable_report()->set_job_id("job");
  stream_->Write(request);  // The agent keeps it: nobody has it on disk.
  request.mutable_heartbeat()->set_sequence(1);
  stream_->Write(request);
  ASSERT_TRUE(stream_->Read(&response_));
  EXPECT_EQ(response_.heartbeat_sequence(), 1);
  rig_.OnLoop([this, &may_renew] {
    EXPECT_EQ(scheduler_.heartbeats, 0);
    EXPECT_TRUE(scheduler_.reports.empty());
    may_renew = false;
  });
  request.mutable_heartbeat()->set_sequence(2);
  stream_->Write(request);
  grpc::ClientContext context;
  v1::ListNodesResponse nodes;
  EXPECT_EQ(stub_->ListNodes(&context, v1::ListNodesRequest(), &nodes).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  ASSERT_TRUE(rig_.Await([&beats] { return beats == 2; }));
  rig_.OnLoop([&may_renew] { may_renew = true; });
  request.mutable_heartbeat()->set_sequence(3);
  stream_->Write(request);
  ASSERT_TRUE(stream_->Read(&response_));
  EXPECT_EQ(response_.heartbeat_sequence(), 3);
  rig_.OnLoop([this] { seat_.Vacate(absl::UnavailableError("the key is gone")); });
  EXPECT_FALSE(stream_->Read(&response_));
  EXPECT_EQ(Finish(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(NodeServiceTest, ASeatInDoubtWelcomesAHostWhoseStreamBroke) {
  Hello();
  rig_.OnLoop([this] { seat_.Doubt(absl::UnavailableError("etcd is gone"), [] { return true; }); });
  grpc::ClientContext context;
  SetTimeout(&context, absl::Seconds(20));
  const auto again = stub_->ConnectNode(&context);
  v1::ConnectNodeRequest request;
  request.mutable_hello()->mutable_info()->set_id("id-1");
  again->Write(request);
  ASSERT_TRUE(again->Read(&response_));
  EXPECT_EQ(response_.welcome().epoch(), 5);
  rig_.OnLoop([this] { EXPECT_EQ(scheduler_.hellos.size(), 1u); });
  context.TryCancel();
  again->Finish();
}

TEST_F(NodeServiceTest, GivesAnOrderToTheScheduler) {
  rig_.OnLoop([this] { scheduler_.node->set_draining(true); });
  grpc::ClientContext context;
  v1::DrainNodeRequest request;
  request.set_node("node-1");
  request.set_reason("new fans");
  request.set_now(true);
  v1::DrainNodeResponse response;
  ASSERT_TRUE(stub_->DrainNode(&context, request, &response).ok());
  EXPECT_TRUE(response.node().draining());
  rig_.OnLoop([this] {
    ASSERT_EQ(scheduler_.orders.size(), 1u);
    EXPECT_EQ(scheduler_.orders[0].reason, "new fans");
    EXPECT_TRUE(scheduler_.orders[0].now);
  });
  grpc::ClientContext other;
  request.set_reason("two\nlines");
  EXPECT_EQ(stub_->DrainNode(&other, request, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(NodeServiceTest, AcknowledgesAReportWhenItIsDurable) {
  rig_.OnLoop([this] { scheduler_.hold_acks = true; });
  Hello();
  v1::ConnectNodeRequest request;
  request.mutable_report()->set_job_id("job");
  request.mutable_report()->set_sequence(4);
  stream_->Write(request);
  ASSERT_TRUE(rig_.Await([this] { return scheduler_.held_acks.size() == 1; }));
  rig_.OnLoop([this] {
    const FakeScheduler::Ack& ack = scheduler_.held_acks[0];
    ack.done(AckOf(ack.report));
  });
  ASSERT_TRUE(stream_->Read(&response_));
  EXPECT_EQ(response_.report_ack().job_id(), "job");
  EXPECT_EQ(response_.report_ack().sequence(), 4);
}

TEST_F(NodeServiceTest, RefusesAStreamThatBeginsWithoutHello) {
  v1::ConnectNodeRequest request;
  request.mutable_heartbeat()->set_sequence(1);
  stream_->Write(request);
  EXPECT_FALSE(stream_->Read(&response_));
  EXPECT_EQ(Finish(), grpc::StatusCode::FAILED_PRECONDITION);
  rig_.OnLoop([this] {
    EXPECT_EQ(scheduler_.heartbeats, 0);
    EXPECT_TRUE(scheduler_.disconnects.empty());
  });
}

TEST_F(NodeServiceTest, EndsAStreamThatANewerOneReplaces) {
  Hello();
  rig_.OnLoop([this] {
    const auto lost = scheduler_.on_lost;
    lost.begin()->second();
  });
  EXPECT_FALSE(stream_->Read(&response_));
  EXPECT_EQ(Finish(), grpc::StatusCode::ABORTED);
}

TEST_F(NodeServiceTest, SaysSoOnceWhenTheAgentGoesAway) {
  Hello();
  context_.TryCancel();
  EXPECT_TRUE(rig_.Await([this] { return scheduler_.disconnects.size() == 1; }));
  rig_.OnLoop([this] {
    const auto lost = scheduler_.on_lost;
    lost.begin()->second();  // Late: goes nowhere.
    EXPECT_EQ(scheduler_.disconnects.size(), 1u);
  });
}

TEST_F(NodeServiceTest, PassesChangedDevicesOn) {
  Hello();
  v1::ConnectNodeRequest request;
  request.mutable_info()->set_name("node-1");
  stream_->Write(request);
  EXPECT_TRUE(rig_.Await([this] { return scheduler_.infos.size() == 1; }));
}

TEST_F(NodeServiceTest, ListsNodes) {
  rig_.OnLoop([this] { scheduler_.nodes.emplace_back().mutable_info()->set_name("node-1"); });
  grpc::ClientContext context;
  v1::ListNodesResponse response;
  ASSERT_TRUE(stub_->ListNodes(&context, v1::ListNodesRequest(), &response).ok());
  EXPECT_EQ(response.nodes(0).info().name(), "node-1");
}

}  // namespace
}  // namespace muster
