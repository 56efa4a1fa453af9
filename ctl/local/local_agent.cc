#include "ctl/local/local_agent.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"

namespace muster {
namespace {

constexpr uint64_t kSession = 1;

}  // namespace

template <typename Response>
void LocalAgentChannel::Answer(const absl::Status& status, const Done<Response>& done) {
  loop_->Post([status, done] {
    if (!status.ok()) return done(status);
    done(Response());
  });
}

void LocalAgentChannel::Reserve(const v1::ReserveGangRequest& request,
                                Done<v1::ReserveGangResponse> done) {
  loop_->Post([gangs = gangs_, request, done = std::move(done)] {
    const absl::StatusOr<v1::NodePlacement> placement = gangs->Reserve(request);
    if (!placement.ok()) return done(placement.status());
    v1::ReserveGangResponse response;
    *response.mutable_placement() = *placement;
    done(response);
  });
}

void LocalAgentChannel::Start(const v1::StartGangRequest& request,
                              Done<v1::StartGangResponse> done) {
  loop_->Post([this, request, done = std::move(done)] {
    gangs_->Start(request, [this, done](const absl::Status& status) { Answer(status, done); });
  });
}

void LocalAgentChannel::Stop(const v1::StopGangRequest& request, Done<v1::StopGangResponse> done) {
  loop_->Post([this, request, done = std::move(done)] { Answer(gangs_->Stop(request), done); });
}

void LocalAgentChannel::Release(const v1::ReleaseGangRequest& request,
                                Done<v1::ReleaseGangResponse> done) {
  loop_->Post([this, request, done = std::move(done)] { Answer(gangs_->Release(request), done); });
}

void LocalAgentChannel::RestartRank(const v1::RestartRankRequest& request,
                                    Done<v1::RestartRankResponse> done) {
  loop_->Post(
      [this, request, done = std::move(done)] { Answer(gangs_->RestartRank(request), done); });
}

LocalNode::LocalNode(EventLoop* loop, Gangs* gangs, Scheduler* scheduler)
    : loop_(loop), gangs_(gangs), scheduler_(scheduler) {}

LocalNode::~LocalNode() {
  gangs_->SetReportSink(nullptr);
  if (timer_ != 0) loop_->Cancel(timer_);
}

absl::Status LocalNode::Join(const v1::NodeInfo& info) {
  v1::NodeHello hello;
  *hello.mutable_info() = info;
  MUSTER_ASSIGN_OR_RETURN(const v1::NodeWelcome welcome,
                          scheduler_->NodeConnected(hello, kSession, /*on_lost=*/[] {}));
  MUSTER_RETURN_IF_ERROR(gangs_->ObserveEpoch(welcome.epoch()));
  heartbeat_interval_ = std::max(absl::Milliseconds(100),
                                 absl::Seconds(welcome.heartbeat_interval().seconds()) +
                                     absl::Nanoseconds(welcome.heartbeat_interval().nanos()));
  gangs_->SetReportSink([this](const v1::GangReport& report) { Report(report); });
  timer_ = loop_->After(heartbeat_interval_, [this] { Beat(); });
  return absl::OkStatus();
}

void LocalNode::Report(const v1::GangReport& report) {
  loop_->Post([this, report] {
    scheduler_->NodeReport(kSession, report, [this](const v1::GangReportAck& ack) {
      gangs_->Acknowledge(ack.job_id(), ack.attempt(), ack.sequence());
    });
  });
}

void LocalNode::Beat() {
  scheduler_->NodeHeartbeat(kSession);
  timer_ = loop_->After(heartbeat_interval_, [this] { Beat(); });
}

}  // namespace muster
