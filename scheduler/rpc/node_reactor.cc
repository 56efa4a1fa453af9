#include "scheduler/rpc/node_reactor.h"

#include <algorithm>

#include "common/rpc/grpc_status.h"
#include "glog/logging.h"
#include "scheduler/core/job_state.h"

namespace muster {
namespace {

// Names sessions, never twice in one life of the scheduler. Used on the loop only.
uint64_t NextSession() {
  static uint64_t last = 0;
  return ++last;
}

}  // namespace

NodeReactor::NodeReactor(EventLoop* loop, SchedulerSeat* seat) : loop_(loop), seat_(seat) {
  loop_->Post([this] {
    if (closed_) return;
    if (!seat_->may_renew() || !seat_->nodes()->Add(this)) return Close(seat_->absence());
    scheduler_ = seat_->sitting();
    StartRead(&request_);
  });
}

void NodeReactor::OnReadDone(bool ok) {
  loop_->Post([this, ok] {
    if (closed_) return;
    if (!ok) return Close(absl::OkStatus());  // The agent has said all.
    v1::ConnectNodeRequest request;
    request.Swap(&request_);
    Take(request);
    if (!closed_) StartRead(&request_);
  });
}

void NodeReactor::OnWriteDone(bool ok) {
  loop_->Post([this, ok] {
    writing_ = false;
    if (!ok) return Close(absl::CancelledError("the agent is gone"));
    Pump();
  });
}

void NodeReactor::OnCancel() {
  loop_->Post([this] { Close(absl::CancelledError("the agent is gone")); });
}

void NodeReactor::OnDone() {
  loop_->Post([this] { delete this; });  // Last; posts keep order.
}

void NodeReactor::Take(const v1::ConnectNodeRequest& request) {
  if (request.has_hello()) return TakeHello(request.hello());
  if (session_ == 0) {
    return Close(absl::FailedPreconditionError("the first message of a node must be its hello"));
  }
  if (request.has_heartbeat()) return TakeHeartbeat(request.heartbeat());
  if (request.has_report()) return TakeReport(request.report());
  if (request.has_info() && scheduler() != nullptr) {
    return scheduler()->NodeInfoChanged(session_, request.info());
  }
  // A newer agent may say what this scheduler does not know: not an error.
}

void NodeReactor::TakeHello(const v1::NodeHello& hello) {
  if (session_ != 0) return Close(absl::FailedPreconditionError("a second hello on one stream"));
  if (!seat_->may_renew()) return Close(seat_->absence());  // As for a heartbeat.
  if (hello.info().id().empty()) {
    return Close(absl::InvalidArgumentError("hello.info.id is empty"));
  }
  if (scheduler() == nullptr) return WelcomeInDoubt(hello);
  const uint64_t session = NextSession();
  absl::StatusOr<v1::NodeWelcome> welcome =
      scheduler_->NodeConnected(hello, session, /*on_lost=*/[this, alive = alive_] {
        if (!*alive) return;
        Close(absl::AbortedError("a newer stream of this node has taken over"));
      });
  if (!welcome.ok()) return Close(welcome.status());
  if (closed_) return scheduler_->NodeDisconnected(session);
  session_ = session;
  if (seat_->pledges() != nullptr) {
    *welcome->mutable_pledge() = ToProtoDuration(seat_->pledges()->length());
  }
  seat_->SetLastWelcome(*welcome);
  Welcome(hello, *std::move(welcome));
  for (const v1::GangReport& report : hello.gangs()) {
    if (!closed_) TakeReport(report);  // Each is acknowledged like any other.
  }
}

// A host whose stream broke: it may keep what it has, and learns nothing new.
void NodeReactor::WelcomeInDoubt(const v1::NodeHello& hello) {
  if (!seat_->last_welcome().has_value()) return Close(seat_->absence());
  session_ = NextSession();
  Welcome(hello, *seat_->last_welcome());
}

void NodeReactor::Welcome(const v1::NodeHello& hello, v1::NodeWelcome welcome) {
  node_id_ = hello.info().id();
  if (seat_->pledges() != nullptr) {
    seat_->pledges()->OnHello(node_id_, hello.scheduler_candidate(), session_);
    seat_->pledges()->OnAnswer(node_id_, session_, /*number=*/1);
  }
  welcome_ = std::make_unique<v1::NodeWelcome>(std::move(welcome));
  Pump();
}

// An answer renews the node's lease: only who surely leads may give it, for his successor counts
// the node's silence from his own start; or who knows from when on all that may succeed him do.
void NodeReactor::TakeHeartbeat(const v1::NodeHeartbeat& heartbeat) {
  PledgeBook* const pledges = seat_->pledges();
  if (pledges != nullptr) pledges->OnBeat(node_id_, session_, heartbeat.pledged());
  if (!seat_->may_renew()) return;
  if (pledges != nullptr) pledges->OnAnswer(node_id_, session_, heartbeat.sequence() + 1);
  if (scheduler() != nullptr) scheduler()->NodeHeartbeat(session_);
  heartbeat_ = std::max(heartbeat_, heartbeat.sequence());
  Pump();
}

void NodeReactor::TakeReport(const v1::GangReport& report) {
  if (scheduler() == nullptr) return;
  scheduler_->NodeReport(session_, report, [this, alive = alive_](const v1::GangReportAck& ack) {
    if (!*alive) return;
    int64_t& sequence = acks_[GangKey(ack.job_id(), ack.attempt())];
    sequence = std::max(sequence, ack.sequence());
    Pump();
  });
}

void NodeReactor::Pump() {
  if (writing_ || closed_) return;  // At most one write in flight.
  response_.Clear();
  if (welcome_ != nullptr) {
    response_.mutable_welcome()->Swap(welcome_.get());
    welcome_ = nullptr;
  } else if (heartbeat_ > 0) {
    response_.set_heartbeat_sequence(std::exchange(heartbeat_, 0));
  } else if (!acks_.empty()) {
    auto first = acks_.begin();
    v1::GangReportAck* const ack = response_.mutable_report_ack();
    ack->set_job_id(first->first.first);
    ack->set_attempt(first->first.second);
    ack->set_sequence(first->second);
    acks_.erase(first);
  } else {
    return;
  }
  writing_ = true;
  StartWrite(&response_);
}

void NodeReactor::Close(const absl::Status& status) {
  if (std::exchange(closed_, true)) return;
  *alive_ = false;
  seat_->nodes()->Remove(this);
  if (session_ != 0 && scheduler() != nullptr) scheduler()->NodeDisconnected(session_);
  Finish(ToGrpcStatus(status));
}

}  // namespace muster
