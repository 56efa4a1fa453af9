#include "agent/link/scheduler_link.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/protocol.h"
#include "glog/logging.h"

namespace muster {
namespace {

// A scheduler that says nothing usable is not asked more often than this.
constexpr absl::Duration kLeastInterval = absl::Milliseconds(100);
constexpr absl::Duration kUsualInterval = absl::Seconds(2);
constexpr int kSilentBeats = 3;
constexpr double kBeatJitter = 0.1;

absl::Duration ToDuration(const google::protobuf::Duration& value) {
  return absl::Seconds(value.seconds()) + absl::Nanoseconds(value.nanos());
}

absl::Duration IntervalOf(const v1::NodeWelcome& welcome) {
  if (!welcome.has_heartbeat_interval()) return kUsualInterval;
  return std::max(kLeastInterval, ToDuration(welcome.heartbeat_interval()));
}

}  // namespace

SchedulerLink::SchedulerLink(const Options& options, v1::NodeInfo info, EventLoop* loop,
                             Gangs* gangs, Opener open)
    : options_(options),
      info_(std::move(info)),
      loop_(loop),
      gangs_(gangs),
      open_(std::move(open)),
      backoff_(options.backoff) {}

SchedulerLink::~SchedulerLink() {
  loop_->Cancel(timer_);
  gangs_->SetReportSink(nullptr);
}

void SchedulerLink::Start() {
  DCHECK(loop_->OnLoop());
  gangs_->SetReportSink([this](const v1::GangReport& report) { Report(report); });
  Connect();
}

void SchedulerLink::SetInfo(const v1::NodeInfo& info) {
  DCHECK(loop_->OnLoop());
  info_ = info;
  info_due_ = true;
  Pump();
}

void SchedulerLink::Retarget() {
  DCHECK(loop_->OnLoop());
  backoff_.Reset();
  Disconnect(absl::UnavailableError("the scheduler is at another place now"));
}

void SchedulerLink::Connect() {
  timer_ = 0;
  state_ = State::kGreeting;
  sending_ = false;
  beat_due_ = false;
  info_due_ = false;
  sequence_ = 0;
  pledged_ = 0;
  beats_sent_.clear();
  stream_ = open_(this);
  hello_sent_ = loop_->clock()->Boot();
  Send(Hello());
  timer_ = loop_->After(
      Silence(), [this] { Disconnect(absl::DeadlineExceededError("no answer to the hello")); });
}

// The hello stands for a report of every gang: what it holds needs no report of its own.
v1::ConnectNodeRequest SchedulerLink::Hello() {
  v1::ConnectNodeRequest message;
  *message.mutable_hello()->mutable_info() = info_;
  info_due_ = false;
  message.mutable_hello()->set_keeps_lease(options_.fence != nullptr);
  message.mutable_hello()->set_scheduler_candidate(options_.pledge != nullptr);
  const ProtocolVersion own = OwnProtocol();
  if (own.minor > 0) {
    message.mutable_hello()->mutable_protocol()->set_major(own.major);
    message.mutable_hello()->mutable_protocol()->set_minor(own.minor);
  }
  reports_.clear();
  turns_.clear();
  for (v1::GangReport& report : gangs_->Reports()) {
    message.mutable_hello()->add_gangs()->Swap(&report);
  }
  return message;
}

void SchedulerLink::Disconnect(const absl::Status& status) {
  if (break_logged_.Take(status.message())) {
    LOG(WARNING) << "node=" << info_.name() << " scheduler link DOWN: " << status.message();
  }
  state_ = State::kIdle;
  stream_ = nullptr;
  loop_->Cancel(timer_);
  timer_ = loop_->After(backoff_.Next(), [this] { Connect(); });
}

void SchedulerLink::OnClosed(const absl::Status& status) {
  Disconnect(status.ok() ? absl::UnavailableError("the scheduler ended the stream") : status);
}

void SchedulerLink::OnResponse(const v1::ConnectNodeResponse& response) {
  last_answer_ = loop_->clock()->Boot();
  if (response.has_welcome()) return OnWelcome(response.welcome());
  if (response.heartbeat_sequence() > 0) return OnHeartbeatAnswer(response.heartbeat_sequence());
  if (response.has_report_ack()) {
    const v1::GangReportAck& ack = response.report_ack();
    gangs_->Acknowledge(ack.job_id(), ack.attempt(), ack.sequence());
    if (gangs_->degraded() == info_.degraded()) return;
    info_.set_degraded(gangs_->degraded());
    info_due_ = true;
    Pump();
  }
}

void SchedulerLink::OnHeartbeatAnswer(int64_t sequence) {
  std::optional<absl::Duration> sent;
  while (!beats_sent_.empty() && beats_sent_.front().first <= sequence) {
    sent = beats_sent_.front().second;
    beats_sent_.pop_front();
  }
  if (!sent.has_value()) return;
  if (options_.fence != nullptr) options_.fence->OnAnswer(*sent);
  GivePledge(sequence + 1, *sent);
}

void SchedulerLink::GivePledge(int64_t number, absl::Duration sent) {
  if (options_.pledge == nullptr) return;
  if (options_.pledge->Give(epoch_, sent, pledge_length_)) pledged_ = number;
}

void SchedulerLink::OnWelcome(const v1::NodeWelcome& welcome) {
  if (state_ != State::kGreeting) return;
  if (welcome.has_protocol() && welcome.protocol().major() != kProtocolMajor) {
    return Disconnect(absl::FailedPreconditionError(
        absl::StrCat("the scheduler speaks protocol ", welcome.protocol().major(), ".",
                     welcome.protocol().minor(), ", this agent speaks ", ToString(OwnProtocol()),
                     "; use programs whose protocols have the same first number")));
  }
  const absl::Status observed = gangs_->ObserveEpoch(welcome.epoch());
  if (!observed.ok()) return Disconnect(observed);
  LOG(INFO) << "node=" << info_.name() << " scheduler link UP epoch=" << welcome.epoch()
            << " protocol=" << (welcome.has_protocol() ? welcome.protocol().major() : 1) << "."
            << welcome.protocol().minor();
  state_ = State::kConnected;
  break_logged_.Clear();
  backoff_.Reset();
  heartbeat_interval_ = IntervalOf(welcome);
  if (options_.fence != nullptr) options_.fence->OnWelcome(welcome, hello_sent_);
  epoch_ = welcome.epoch();
  pledge_length_ = ToDuration(welcome.pledge());
  GivePledge(/*number=*/1, hello_sent_);
  loop_->Cancel(timer_);
  timer_ = loop_->After(BeatDelay(), [this] { Beat(); });
  Pump();
}

void SchedulerLink::Report(const v1::GangReport& report) {
  DCHECK(loop_->OnLoop());
  if (state_ == State::kIdle) return;  // The next hello has it.
  const GangKey key(report.job_id(), report.attempt());
  const bool waits = reports_.count(key) > 0;
  reports_[key] = report;
  if (!waits) turns_.push_back(key);
  Pump();
}

void SchedulerLink::Beat() {
  if (loop_->clock()->Boot() - last_answer_ > Silence()) {
    return Disconnect(absl::DeadlineExceededError(
        absl::StrCat("no answer for ", absl::FormatDuration(Silence()))));
  }
  timer_ = loop_->After(BeatDelay(), [this] { Beat(); });
  beat_due_ = true;
  Pump();
}

void SchedulerLink::OnSent() {
  sending_ = false;
  Pump();
}

void SchedulerLink::Pump() {
  if (sending_ || state_ != State::kConnected) return;
  v1::ConnectNodeRequest message;
  if (beat_due_) {
    beat_due_ = false;
    message.mutable_heartbeat()->set_sequence(++sequence_);
    const bool pledges = options_.pledge != nullptr && !options_.pledge->withheld();
    message.mutable_heartbeat()->set_pledged(pledges ? pledged_ : 0);
    beats_sent_.emplace_back(sequence_, loop_->clock()->Boot());
  } else if (info_due_) {
    info_due_ = false;
    *message.mutable_info() = info_;
  } else if (!turns_.empty()) {
    auto newest = reports_.find(turns_.front());
    turns_.pop_front();
    message.mutable_report()->Swap(&newest->second);
    reports_.erase(newest);
  } else {
    return;
  }
  Send(message);
}

void SchedulerLink::Send(const v1::ConnectNodeRequest& message) {
  sending_ = true;
  stream_->Send(message);
}

// Hosts that came back together do not stay in step.
absl::Duration SchedulerLink::BeatDelay() const {
  return Backoff({heartbeat_interval_, heartbeat_interval_, kBeatJitter}).Next();
}

absl::Duration SchedulerLink::Silence() const {
  const absl::Duration patience =
      options_.fence == nullptr ? absl::InfiniteDuration() : options_.fence->Patience();
  return std::max(std::min(options_.silence, patience), kSilentBeats * heartbeat_interval_);
}

}  // namespace muster
