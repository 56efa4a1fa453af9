#include "agent/link/scheduler_link.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "common/base/protocol.h"
#include "glog/logging.h"
#include "gtest/gtest.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_gangs.h"

namespace muster {
namespace {

v1::GangReport Report(const std::string& job, int64_t sequence) {
  v1::GangReport report;
  report.set_job_id(job);
  report.set_sequence(sequence);
  return report;
}

// What the log says of the link, from construction to destruction.
class DownLines final : public google::LogSink {
 public:
  DownLines() { google::AddLogSink(this); }
  ~DownLines() override { google::RemoveLogSink(this); }
  void send(google::LogSeverity, const char*, const char*, int, const google::LogMessageTime&,
            const char* message, size_t size) override {
    const std::string line(message, size);
    if (absl::StrContains(line, " DOWN: ")) lines.push_back(line);
  }

  std::vector<std::string> lines;
};

// Every stream that the link has opened, and what it sent on each.
class SchedulerLinkTest : public testing::Test {
 protected:
  struct FakeStream final : NodeStream {
    explicit FakeStream(SchedulerLinkTest* test) : test(test) {}
    ~FakeStream() override { --test->open_; }
    void Send(const v1::ConnectNodeRequest& message) override { test->sent_.push_back(message); }
    SchedulerLinkTest* const test;
  };

  SchedulerLinkTest() : loop_(&clock_) {
    v1::NodeInfo info;
    info.set_name("node-1");
    SchedulerLink::Options options;
    options.pledge = &pledge_;
    link_ = std::make_unique<SchedulerLink>(options, info, &loop_, &gangs_,
                                            [this](NodeStreamEvents* events) {
                                              events_ = events;
                                              ++opened_;
                                              ++open_;
                                              return std::make_unique<FakeStream>(this);
                                            });
  }

  // What the link has sent since the last call.
  std::vector<v1::ConnectNodeRequest> Sent() { return std::exchange(sent_, {}); }
  void Welcome() {
    v1::ConnectNodeResponse response;
    response.mutable_welcome()->set_epoch(7);
    response.mutable_welcome()->mutable_heartbeat_interval()->set_seconds(2);
    response.mutable_welcome()->mutable_pledge()->set_seconds(8);
    events_->OnSent();
    events_->OnResponse(response);
  }
  void Connect() {
    link_->Start();
    Welcome();
    Sent();
  }
  void Pass(absl::Duration time) {
    clock_.Advance(time);
    loop_.RunDue();
  }
  void Answer(int64_t sequence) {
    v1::ConnectNodeResponse response;
    response.set_heartbeat_sequence(sequence);
    events_->OnResponse(response);
  }

  FakeClock clock_;
  EventLoop loop_;
  FakeGangs gangs_;
  Pledge pledge_{&clock_};
  NodeStreamEvents* events_ = nullptr;
  int opened_ = 0;
  int open_ = 0;
  std::vector<v1::ConnectNodeRequest> sent_;
  std::unique_ptr<SchedulerLink> link_;
};

TEST_F(SchedulerLinkTest, SaysHelloWithEveryGangThatIsNotAcknowledged) {
  gangs_.reports = {Report("a", 3), Report("b", 1)};
  link_->Start();
  const auto sent = Sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].hello().info().name(), "node-1");
  ASSERT_EQ(sent[0].hello().gangs_size(), 2);
  EXPECT_EQ(sent[0].hello().gangs(0).sequence(), 3);
}

TEST_F(SchedulerLinkTest, SaysWhichProtocolItSpeaks) {
  link_->Start();
  const auto sent = Sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].hello().protocol().major(), OwnProtocol().major);
  EXPECT_EQ(sent[0].hello().protocol().minor(), OwnProtocol().minor);
}

TEST_F(SchedulerLinkTest, ASchedulerOfAnotherMajorIsNotObeyed) {
  link_->Start();
  v1::ConnectNodeResponse response;
  response.mutable_welcome()->set_epoch(7);
  response.mutable_welcome()->mutable_protocol()->set_major(OwnProtocol().major + 1);
  events_->OnSent();
  events_->OnResponse(response);
  EXPECT_FALSE(link_->connected());
  EXPECT_EQ(gangs_.epoch(), 0);
}

TEST_F(SchedulerLinkTest, ASchedulerOfANewerMinorIs) {
  link_->Start();
  v1::ConnectNodeResponse response;
  response.mutable_welcome()->set_epoch(7);
  response.mutable_welcome()->mutable_protocol()->set_major(OwnProtocol().major);
  response.mutable_welcome()->mutable_protocol()->set_minor(OwnProtocol().minor + 5);
  events_->OnSent();
  events_->OnResponse(response);
  EXPECT_TRUE(link_->connected());
}

TEST_F(SchedulerLinkTest, TellsTheGangsTheEpoch) {
  Connect();
  EXPECT_TRUE(link_->connected());
  EXPECT_EQ(gangs_.epoch(), 7);
}

TEST_F(SchedulerLinkTest, LeavesASchedulerOfAnOldEpoch) {
  gangs_.epoch_answer = absl::AbortedError("epoch 7 is older than 8");
  Connect();
  EXPECT_FALSE(link_->connected());
  EXPECT_EQ(open_, 0);
  Pass(absl::Seconds(2));
  EXPECT_EQ(opened_, 2);
}

TEST_F(SchedulerLinkTest, BeatsAtTheIntervalThatItWasGiven) {
  Connect();
  Pass(absl::Seconds(1));
  EXPECT_TRUE(Sent().empty());
  Pass(absl::Seconds(1));
  EXPECT_EQ(Sent().at(0).heartbeat().sequence(), 1);
  events_->OnSent();
  Answer(1);
  Pass(absl::Seconds(2));
  EXPECT_EQ(Sent().at(0).heartbeat().sequence(), 2);
}

TEST_F(SchedulerLinkTest, SendsOneMessageAtATimeAndOfEachGangTheNewest) {
  Connect();
  gangs_.Tell(Report("a", 1));
  gangs_.Tell(Report("a", 2));
  gangs_.Tell(Report("b", 1));
  gangs_.Tell(Report("a", 3));
  auto sent = Sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].report().sequence(), 1);

  events_->OnSent();
  sent = Sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].report().job_id(), "a");
  EXPECT_EQ(sent[0].report().sequence(), 3);

  events_->OnSent();
  EXPECT_EQ(Sent().at(0).report().job_id(), "b");
  events_->OnSent();
  EXPECT_TRUE(Sent().empty());
}

TEST_F(SchedulerLinkTest, KeepsReportsBackUntilItIsWelcome) {
  link_->Start();
  Sent();
  gangs_.Tell(Report("a", 1));
  EXPECT_TRUE(Sent().empty());
  Welcome();
  EXPECT_EQ(Sent().at(0).report().job_id(), "a");
}

TEST_F(SchedulerLinkTest, PassesAcknowledgementsOn) {
  Connect();
  v1::ConnectNodeResponse response;
  response.mutable_report_ack()->set_job_id("a");
  response.mutable_report_ack()->set_attempt(2);
  response.mutable_report_ack()->set_sequence(9);
  events_->OnResponse(response);
  ASSERT_EQ(gangs_.acks.size(), 1u);
  EXPECT_EQ(gangs_.acks[0].job_id, "a");
  EXPECT_EQ(gangs_.acks[0].attempt, 2);
  EXPECT_EQ(gangs_.acks[0].sequence, 9);
}

TEST_F(SchedulerLinkTest, SendsWhatIsUnacknowledgedAgainAfterABreak) {
  Connect();
  gangs_.Tell(Report("a", 4));
  Sent();
  gangs_.reports = {Report("a", 4)};
  events_->OnClosed(absl::UnavailableError("gone"));
  EXPECT_FALSE(link_->connected());
  EXPECT_EQ(open_, 0);
  gangs_.Tell(Report("a", 5));  // While nobody listens.
  gangs_.reports = {Report("a", 5)};

  Pass(absl::Milliseconds(100));

  EXPECT_EQ(opened_, 2);
  EXPECT_EQ(Sent().at(0).hello().gangs(0).sequence(), 5);
  Welcome();
  EXPECT_TRUE(Sent().empty());  // The hello has said it.
}

TEST_F(SchedulerLinkTest, WaitsLongerAfterEachFailureUpToTwoSeconds) {
  link_->Start();
  for (int i = 0; i < 10; ++i) {
    events_->OnClosed(absl::UnavailableError("nobody there"));
    const int before = opened_;
    Pass(absl::Milliseconds(49));
    EXPECT_EQ(opened_, before);  // At least half of the first wait.
    Pass(absl::Seconds(2));
    EXPECT_EQ(opened_, before + 1);
  }
}

TEST_F(SchedulerLinkTest, GivesASilentSchedulerUp) {
  Connect();
  for (int i = 0; i < 6; ++i) {
    Pass(absl::Seconds(2));
    if (link_->connected()) events_->OnSent();
  }
  EXPECT_FALSE(link_->connected());
  EXPECT_EQ(open_, 0);
}

TEST_F(SchedulerLinkTest, GivesASchedulerUpThatDoesNotAnswerTheHello) {
  link_->Start();
  Pass(absl::Seconds(11));
  EXPECT_EQ(open_, 0);
  Pass(absl::Seconds(1));
  EXPECT_EQ(opened_, 2);
}

TEST_F(SchedulerLinkTest, TellsOfChangedDevices) {
  Connect();
  v1::NodeInfo info;
  info.set_name("node-1");
  info.add_devices()->set_health_reason("XID 79");
  link_->SetInfo(info);
  EXPECT_EQ(Sent().at(0).info().devices(0).health_reason(), "XID 79");
}

TEST_F(SchedulerLinkTest, ACandidatePledgesItselfWithEachAnswerAndNamesIt) {
  link_->Start();
  EXPECT_TRUE(Sent().at(0).hello().scheduler_candidate());
  Welcome();
  EXPECT_GE(pledge_.until(), clock_.Boot() + absl::Seconds(8));
  EXPECT_EQ(pledge_.answered().count(7), 1u);
  Pass(absl::Seconds(2));
  EXPECT_EQ(Sent().at(0).heartbeat().pledged(), 1);
  events_->OnSent();
  const absl::Duration sent = clock_.Boot();
  Pass(absl::Seconds(1));
  Answer(1);
  EXPECT_GE(pledge_.until(), clock_.Boot() + absl::Seconds(8));
  EXPECT_EQ(pledge_.answered().at(7), sent);
  Pass(absl::Seconds(1));
  EXPECT_EQ(Sent().at(0).heartbeat().pledged(), 2);
}

TEST_F(SchedulerLinkTest, ACandidateThatIsElectedPledgesItselfNoMore) {
  Connect();
  const absl::Duration until = pledge_.until();
  pledge_.Withhold(true);
  Pass(absl::Seconds(2));
  EXPECT_EQ(Sent().at(0).heartbeat().pledged(), 0);
  Answer(1);
  EXPECT_EQ(pledge_.until(), until);
}

TEST_F(SchedulerLinkTest, SaysWhyItIsDownOnceForEachChangeOfTheReason) {
  const std::string prefix = "node=node-1 scheduler link DOWN: ";
  DownLines log;
  const auto fail = [this](const absl::Status& why) {
    events_->OnClosed(why);
    Pass(absl::Seconds(3));  // To the next try.
  };
  link_->Start();
  fail(absl::UnavailableError("connection refused"));
  fail(absl::UnavailableError("connection refused"));
  EXPECT_EQ(log.lines, std::vector<std::string>{prefix + "connection refused"});
  gangs_.epoch_answer = absl::AbortedError("epoch 7 is over: epoch 9 was seen here");
  Welcome();
  Pass(absl::Seconds(3));
  Welcome();
  ASSERT_EQ(log.lines.size(), 2u);
  EXPECT_EQ(log.lines[1], prefix + "epoch 7 is over: epoch 9 was seen here");
  Pass(absl::Seconds(3));
  gangs_.epoch_answer = absl::OkStatus();
  Welcome();
  fail(absl::AbortedError("epoch 7 is over: epoch 9 was seen here"));
  EXPECT_EQ(log.lines.size(), 3u) << "it was UP in between";
}

}  // namespace
}  // namespace muster
