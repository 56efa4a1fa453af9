// The link over a real stream: both ends of ConnectNode, with fake engines behind them.
#include "agent/rpc/node_stream.h"

#include <memory>

#include "agent/link/scheduler_link.h"
#include "gtest/gtest.h"
#include "scheduler/rpc/node_service.h"
#include "tests/fakes/fake_gangs.h"
#include "tests/fakes/fake_scheduler.h"
#include "tests/fakes/rpc_rig.h"

namespace muster {
namespace {

v1::GangReport Report(const std::string& job, int64_t sequence) {
  v1::GangReport report;
  report.set_job_id(job);
  report.set_sequence(sequence);
  return report;
}

class NodeStreamTest : public testing::Test {
 protected:
  NodeStreamTest() : service_(rig_.loop(), &seat_) {
    rig_.OnLoop([this] { seat_.Take(&scheduler_); });
    scheduler_.welcome->set_epoch(3);
    scheduler_.welcome->mutable_heartbeat_interval()->set_nanos(100'000'000);
    rig_.Serve({&service_});
  }
  ~NodeStreamTest() override {
    rig_.OnLoop([this] { link_ = nullptr; });
    rig_.Stop();
  }
  void Start() {
    rig_.OnLoop([this] {
      v1::NodeInfo info;
      info.set_id("id-1");
      link_ = std::make_unique<SchedulerLink>(
          SchedulerLink::Options(), info, rig_.loop(), &gangs_, [this](NodeStreamEvents* events) {
            return OpenNodeStream(rig_.channel(), rig_.loop(), events);
          });
      link_->Start();
    });
  }

  RpcRig rig_;
  FakeGangs gangs_;
  FakeScheduler scheduler_;
  SchedulerSeat seat_{rig_.calls()};
  NodeServiceRpc service_;
  std::unique_ptr<SchedulerLink> link_;
};

TEST_F(NodeStreamTest, ConnectsBeatsAndIsAcknowledged) {
  gangs_.reports = {Report("a", 2)};
  Start();
  EXPECT_TRUE(rig_.Await([this] { return link_->connected() && scheduler_.heartbeats >= 2; }));
  rig_.OnLoop([this] {
    EXPECT_EQ(scheduler_.hellos.at(0).info().id(), "id-1");
    gangs_.Tell(Report("b", 1));
  });
  // The hello's reports are acknowledged like all others.
  EXPECT_TRUE(rig_.Await([this] { return gangs_.acks.size() == 2; }));
  rig_.OnLoop([this] {
    EXPECT_EQ(gangs_.acks[0].job_id, "a");
    EXPECT_EQ(gangs_.acks[0].sequence, 2);
    EXPECT_EQ(gangs_.acks[1].job_id, "b");
    EXPECT_EQ(gangs_.epoch(), 3);
  });
}

TEST_F(NodeStreamTest, ComesBackAfterItsStreamWasEndedAndSendsAgain) {
  scheduler_.hold_acks = true;
  gangs_.reports = {Report("a", 2)};
  Start();
  ASSERT_TRUE(rig_.Await([this] { return scheduler_.reports.size() == 1; }));
  rig_.OnLoop([this] {
    auto lost = scheduler_.on_lost;
    lost.begin()->second();
  });
  EXPECT_TRUE(rig_.Await([this] { return scheduler_.reports.size() == 2; }));
  rig_.OnLoop([this] {
    EXPECT_EQ(scheduler_.hellos.size(), 2u);
    EXPECT_EQ(scheduler_.disconnects.size(), 1u);
    scheduler_.held_acks[0].done(AckOf(Report("a", 2)));  // Of the dead stream: goes nowhere.
    EXPECT_TRUE(gangs_.acks.empty());
    scheduler_.held_acks[1].done(AckOf(Report("a", 2)));
  });
  EXPECT_TRUE(rig_.Await([this] { return gangs_.acks.size() == 1; }));
}

TEST_F(NodeStreamTest, TriesAgainWhenItIsRefused) {
  scheduler_.welcome = absl::AbortedError("a newer incarnation is connected");
  Start();
  EXPECT_TRUE(rig_.Await([this] { return scheduler_.hellos.size() >= 2; }));
  rig_.OnLoop([this] { EXPECT_FALSE(link_->connected()); });
}

TEST_F(NodeStreamTest, TellsTheSchedulerWhenItEnds) {
  Start();
  ASSERT_TRUE(rig_.Await([this] { return link_->connected(); }));
  rig_.OnLoop([this] { link_ = nullptr; });
  EXPECT_TRUE(rig_.Await([this] { return scheduler_.disconnects.size() == 1; }));
}

// The end meets answers that are on their way: a read that has come back, but not to the loop yet.
TEST_F(NodeStreamTest, EndsAtAnyMoment) {
  scheduler_.welcome->mutable_heartbeat_interval()->set_nanos(1);  // As often as the link allows.
  for (int i = 0; i < 100; ++i) {
    gangs_.reports.assign(i % 8, Report("a", 1));
    Start();
    if (i % 2 == 0) {
      ASSERT_TRUE(rig_.Await([this] { return link_->connected(); }));
    }
    rig_.OnLoop([this] {
      gangs_.Tell(Report("b", 1));
      rig_.loop()->Post([this] { link_ = nullptr; });
    });
  }
  rig_.OnLoop([this] { EXPECT_EQ(link_, nullptr); });
}

}  // namespace
}  // namespace muster
