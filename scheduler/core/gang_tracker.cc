#include "scheduler/core/gang_tracker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "glog/logging.h"
#include "google/protobuf/util/message_differencer.h"
#include "scheduler/core/job_state.h"

namespace muster {
namespace {

// A stop was taken, a start was not confirmed, and the agent says nothing: after this there is
// nothing to wait for, for the order to stop has also ended the reservation.
constexpr absl::Duration kSilentStop = absl::Seconds(5);

// Whether the command may have arrived after all.
bool IsAmbiguous(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsCancelled(status) || absl::IsUnknown(status);
}

// Whether an agent granted what was asked, ports aside. It may have answered for an older plan of
// the same attempt, made by a scheduler that has died since.
bool SamePlan(v1::NodePlacement granted, const v1::NodePlacement& asked) {
  for (v1::RankPlacement& rank : *granted.mutable_ranks()) rank.clear_ports();
  return google::protobuf::util::MessageDifferencer::Equals(granted, asked);
}

}  // namespace

GangTracker::GangTracker(EventLoop* loop, v1::GangRef gang, FindChannel channels, Events events)
    : loop_(loop),
      gang_(std::move(gang)),
      channels_(std::move(channels)),
      events_(std::move(events)) {}

GangTracker::~GangTracker() { Abandon(); }

void GangTracker::Abandon() {
  *alive_ = false;
  for (NodePart& part : parts_) loop_->Cancel(part.retry);
}

void GangTracker::MakeParts(const v1::Placement& placement) {
  placement_ = placement;
  parts_.resize(static_cast<size_t>(placement.nodes_size()));
  for (int i = 0; i < placement.nodes_size(); ++i) Part(i).node_id = placement.nodes(i).node_id();
}

void GangTracker::Reserve(const GangPlan& plan, absl::Duration ttl) {
  MakeParts(plan.placement);
  unanswered_ = plan.placement.nodes_size();
  for (int i = 0; i < plan.placement.nodes_size(); ++i) {
    v1::ReserveGangRequest request;
    *request.mutable_gang() = gang_;
    *request.mutable_placement() = plan.placement.nodes(i);
    for (int ports : plan.ports[static_cast<size_t>(i)]) request.add_ports(ports);
    *request.mutable_ttl() = ToProtoDuration(ttl);
    Part(i).state = PartState::kReserving;
    auto done = [this, alive = alive_, i](const absl::StatusOr<v1::ReserveGangResponse>& response) {
      if (*alive) OnReserved(i, response);
    };
    if (AgentChannel* const channel = channels_(Part(i).node_id)) {
      channel->Reserve(request, done);
    } else {
      loop_->Post([done] { done(absl::UnavailableError("the node is not connected")); });
    }
  }
}

void GangTracker::OnReserved(int node, const absl::StatusOr<v1::ReserveGangResponse>& response) {
  v1::NodePlacement* const asked = placement_.mutable_nodes(node);
  absl::Status status = response.status();
  if (status.ok() && !SamePlan(response->placement(), *asked)) {
    status = absl::AbortedError("it still holds an older plan of this job");
  }
  if (status.ok()) {
    Part(node).state = PartState::kReserved;
    *asked = response->placement();
  } else if (refusal_.ok()) {
    refusal_ = Annotate(status, absl::StrCat("node ", asked->node_name()));
  }
  if (--unanswered_ == 0) FinishReserve();
}

void GangTracker::FinishReserve() {
  if (refusal_.ok()) return events_.on_reserved(placement_);
  Release();
  events_.on_refused(refusal_);
}

void GangTracker::Release() {
  // Also where the answer is missing: the reservation may be there all the same.
  for (size_t i = 0; i < parts_.size(); ++i) SendRelease(static_cast<int>(i));
}

void GangTracker::SendRelease(int node) {
  AgentChannel* const channel = channels_(Part(node).node_id);
  if (channel == nullptr) return;  // The reservation lapses by itself.
  v1::ReleaseGangRequest request;
  *request.mutable_gang() = gang_;
  channel->Release(
      request, [gang = gang_](const absl::StatusOr<v1::ReleaseGangResponse>& response) {
        if (!response.ok()) {
          LOG(WARNING) << "job=" << gang.job_id() << " attempt=" << gang.attempt()
                       << " release: " << response.status().message() << "; it lapses by itself";
        }
      });
}

void GangTracker::Start(const v1::JobSpec& spec, const v1::Placement& placement) {
  spec_ = spec;
  placement_ = placement;
  for (int i = 0; i < placement_.nodes_size(); ++i) {
    Part(i).state = PartState::kStarting;
    SendStart(i);
  }
}

void GangTracker::Resume(const v1::JobSpec& spec, const v1::Placement& placement,
                         const std::vector<bool>& started) {
  spec_ = spec;
  MakeParts(placement);
  for (size_t i = 0; i < parts_.size(); ++i) {
    parts_[i].state = started[i] ? PartState::kStarted : PartState::kStarting;
  }
}

void GangTracker::SendStart(int node) {
  AgentChannel* const channel = channels_(Part(node).node_id);
  if (channel == nullptr || stopping_ || Part(node).state != PartState::kStarting) return;
  v1::StartGangRequest request;
  *request.mutable_gang() = gang_;
  *request.mutable_spec() = spec_;
  *request.mutable_placement() = placement_;
  request.set_node_rank(node);
  channel->Start(
      request, [this, alive = alive_, node](const absl::StatusOr<v1::StartGangResponse>& response) {
        if (*alive) OnStarted(node, response.status());
      });
}

void GangTracker::OnStarted(int node, const absl::Status& status) {
  NodePart& part = Part(node);
  const bool starting = part.state == PartState::kStarting;
  if (!starting && part.state != PartState::kStarted) return;
  if (status.ok()) {
    part.state = PartState::kStarted;
  } else if (!IsAmbiguous(status)) {
    // Also after reports of a start under way. Whatever of it may be there is to go.
    if (!starting) SendStop(node);
    NeverStarted(node, status);
  } else if (starting && !stopping_) {
    Retry(node, &GangTracker::SendStart);
  }
}

void GangTracker::NeverStarted(int node, const absl::Status& status) {
  Part(node).state = PartState::kFinished;
  events_.on_never_started(
      node, Annotate(status, absl::StrCat("node ", placement_.nodes(node).node_name())));
}

void GangTracker::Stop(absl::Duration grace, const std::string& reason) {
  const bool again = std::exchange(stopping_, true);
  grace_ = grace;
  stop_reason_ = reason;
  for (size_t i = 0; i < parts_.size(); ++i) {
    const int node = static_cast<int>(i);
    if (finished(node)) continue;
    if (!again) parts_[i].backoff.Reset();
    SendStop(node);
  }
}

void GangTracker::SendStop(int node) {
  AgentChannel* const channel = channels_(Part(node).node_id);
  if (channel == nullptr || finished(node)) return;
  v1::StopGangRequest request;
  *request.mutable_gang() = gang_;
  *request.mutable_grace() = ToProtoDuration(grace_);
  request.set_reason(stop_reason_);
  channel->Stop(request,
                [this, alive = alive_, node](const absl::StatusOr<v1::StopGangResponse>& response) {
                  if (*alive) OnStopped(node, response.status());
                });
}

void GangTracker::OnStopped(int node, const absl::Status& status) {
  NodePart& part = Part(node);
  if (finished(node)) return;
  if (absl::IsNotFound(status)) {  // Nothing more to hear of it.
    if (part.state != PartState::kStarted) return NeverStarted(node, status);
    part.state = PartState::kFinished;
    return events_.on_forgotten(node);
  }
  if (!status.ok()) return Retry(node, &GangTracker::SendStop);
  part.stop_taken = true;
  if (part.state == PartState::kStarted) return;  // Its reports say the rest.
  loop_->Cancel(part.retry);
  part.retry = loop_->After(kSilentStop, [this, node] {
    if (Part(node).reported || finished(node)) return;
    NeverStarted(node, absl::CancelledError("stopped before it was started"));
  });
}

void GangTracker::RestartRank(int node, const std::string& role, int rank, int restart) {
  if (stopping_) return;
  const auto again = [this, alive = alive_, node, role, rank, restart] {
    if (*alive) RestartRank(node, role, rank, restart);
  };
  if (finished(node)) {
    loop_->Post([this, alive = alive_, node, role, rank] {
      if (!*alive) return;
      events_.on_restart_refused(node, role, rank,
                                 absl::FailedPreconditionError("its gang has ended"));
    });
    return;
  }
  AgentChannel* const channel = channels_(Part(node).node_id);
  if (channel == nullptr) {
    loop_->After(Part(node).backoff.Next(), again);
    return;
  }
  v1::RestartRankRequest request;
  *request.mutable_gang() = gang_;
  request.set_role(role);
  request.set_rank(rank);
  request.set_restart(restart);
  channel->RestartRank(request, [this, alive = alive_, node, role, rank,
                                 again](const absl::StatusOr<v1::RestartRankResponse>& response) {
    if (response.ok() || !*alive || stopping_) return;
    if (!IsAmbiguous(response.status())) {
      return events_.on_restart_refused(node, role, rank, response.status());
    }
    loop_->After(Part(node).backoff.Next(), again);
  });
}

void GangTracker::Retry(int node, void (GangTracker::*send)(int)) {
  loop_->Cancel(Part(node).retry);
  Part(node).retry =
      loop_->After(Part(node).backoff.Next(), [this, node, send] { (this->*send)(node); });
}

bool GangTracker::NodeConnected(int node, bool has_gang, bool restarted) {
  NodePart& part = Part(node);
  part.sequence = 0;  // Another life of the agent may count anew.
  if (finished(node)) return true;
  if (has_gang) {
    part.reported = true;
    if (part.state == PartState::kStarting) part.state = PartState::kStarted;
  } else if (part.state == PartState::kStarted && (restarted || part.reported)) {
    return false;
  }
  // One that has not restarted, nor ever spoken of it, cannot have lost it: its hello was written
  // before the start.
  if (part.state == PartState::kStarting && !stopping_) SendStart(node);
  if (stopping_) SendStop(node);
  return true;
}

bool GangTracker::TakeReport(int node, int64_t sequence, bool finished) {
  NodePart& part = Part(node);
  if (sequence <= part.sequence || part.state == PartState::kFinished) return false;
  part.sequence = sequence;
  part.reported = true;
  part.state = finished ? PartState::kFinished : PartState::kStarted;
  return true;
}

std::vector<std::string> GangTracker::Unreserved() const {
  std::vector<std::string> nodes;
  for (const NodePart& part : parts_) {
    if (part.state == PartState::kReserving) nodes.push_back(part.node_id);
  }
  return nodes;
}

bool GangTracker::all_finished() const {
  return std::all_of(parts_.begin(), parts_.end(),
                     [](const NodePart& part) { return part.state == PartState::kFinished; });
}

}  // namespace muster
