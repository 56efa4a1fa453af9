// Hosts that are lost with what ran there, and hosts that an operator keeps free.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/job/exit_result.h"
#include "common/rpc/error_details.h"
#include "glog/logging.h"
#include "scheduler/core/attempt_ranks.h"
#include "scheduler/core/job_state.h"
#include "scheduler/core/scheduler_impl.h"
#include "scheduler/core/success_policy.h"

namespace muster {
namespace {

const char* VerbOf(const NodeOrder& order) {
  switch (order.kind) {
    case NodeOrder::Kind::kCordon:
      return "cordon";
    case NodeOrder::Kind::kUncordon:
      return "uncordon";
    case NodeOrder::Kind::kDrain:
      return "drain";
  }
  return "";
}

// An order without a reason keeps the one that an order before it gave.
NodeRecord RecordOf(const NodeOrder& order, const NodeRecord& before, const std::string& node_id) {
  const bool on = order.kind != NodeOrder::Kind::kUncordon;
  const std::string& reason = order.reason.empty() ? before.reason : order.reason;
  return {node_id, /*cordoned=*/on, /*draining=*/order.kind == NodeOrder::Kind::kDrain,
          on ? reason : ""};
}

}  // namespace

void SchedulerImpl::OnNodeFenced(const std::string& node_id) {
  for (const std::string& id : LiveIds()) {
    JobEntry* const entry = FindLive(id);
    if (entry == nullptr || runs_.at(id)->gang == nullptr) continue;
    if (entry->record.job.status().state() == v1::JOB_STATE_RESERVING) continue;
    const int node = FindNode(CurrentAttempt(entry->record.job)->placement(), node_id);
    if (node < 0 || runs_.at(id)->gang->finished(node) || !HostIsOver(*entry, node)) continue;
    LoseHost(entry, node);
    if (FindLive(id) != nullptr) Evaluate(entry);
  }
}

bool SchedulerImpl::HostIsOver(const JobEntry& entry, int node) const {
  const v1::Job& job = entry.record.job;
  const v1::NodePlacement& placed = CurrentAttempt(job)->placement().nodes(node);
  if (nodes_.IsDead(placed.node_id())) return true;
  return WillFence(job.spec(), placed) && nodes_.HasFenced(placed.node_id());
}

void SchedulerImpl::LoseHost(JobEntry* entry, int node) {
  v1::Attempt* const attempt = CurrentAttempt(&entry->record.job);
  const v1::NodePlacement placed = attempt->placement().nodes(node);
  LOG(WARNING) << "job=" << entry->record.job.id() << " attempt=" << attempt->number()
               << " node=" << placed.node_name() << " LOST: " << HowLost(placed);
  EndRanks(node, v1::RANK_STATE_LOST, UnknownExit("its host was lost"), Now(), attempt);
  runs_.at(entry->record.job.id())->gang->SetFinished(node);
  StopForHost(entry, node, HostLoss::kSilent);
}

v1::FirstCause SchedulerImpl::CauseOf(HostLoss loss, const v1::NodePlacement& node) const {
  const std::string subject = absl::StrCat("host ", node.node_name(), " lost: ");
  const absl::Duration up = loop_->clock()->Boot() - loaded_at_;
  v1::FirstCause cause;
  cause.set_node(node.node_name());
  if (loss == HostLoss::kSilent) {
    cause.set_reason(absl::StrCat(subject, HowLost(node)));
  } else if (loss == HostLoss::kRebooted) {
    cause.set_reason(absl::StrCat(subject, "it was rebooted"));
  } else if (up >= options_.node_lease) {
    cause.set_reason(absl::StrCat(subject, "cut off for longer than its lease of ",
                                  absl::FormatDuration(options_.node_lease),
                                  "; it stopped its ranks itself"));
  } else {  // No host is blamed by a scheduler that may have been away itself.
    cause.clear_node();
    cause.set_reason(absl::StrCat(
        "no scheduler was reached from host ", node.node_name(), " for longer than its lease of ",
        absl::FormatDuration(options_.node_lease), "; it stopped its ranks itself"));
  }
  return cause;
}

bool SchedulerImpl::IsHostToBlame(const JobEntry& entry, int node) const {
  const StopCause cause = entry.record.stop_cause;
  if (cause != StopCause::kNone && cause != StopCause::kRankFailed) return false;
  const v1::Attempt& attempt = *CurrentAttempt(entry.record.job);
  const v1::RankStatus* const first = FindFirstFailure(attempt.ranks());
  return first == nullptr || first->state() != v1::RANK_STATE_EXITED ||
         FromTimestamp(first->end_time()) >=
             nodes_.SilentSince(attempt.placement().nodes(node).node_id());
}

int SchedulerImpl::FindLostHost(const JobEntry& entry) const {
  const v1::Job& job = entry.record.job;
  if (job.spec().on_failure() == v1::FAILURE_ACTION_CONTINUE) return -1;
  const v1::Placement& placement = CurrentAttempt(job)->placement();
  int first = -1;
  absl::Time since = absl::InfiniteFuture();
  for (int i = 0; i < placement.nodes_size(); ++i) {
    const std::string& id = placement.nodes(i).node_id();
    if (runs_.at(job.id())->gang->finished(i) || !nodes_.IsLost(id)) continue;
    if (!IsHostToBlame(entry, i) || (first >= 0 && nodes_.SilentSince(id) >= since)) continue;
    first = i;
    since = nodes_.SilentSince(id);
  }
  return first;
}

bool SchedulerImpl::BlameHost(JobEntry* entry, int node, HostLoss loss) {
  if (!IsHostToBlame(*entry, node)) return false;
  v1::Attempt* const attempt = CurrentAttempt(&entry->record.job);
  const v1::NodePlacement& placed = attempt->placement().nodes(node);
  const absl::Time silent_since = nodes_.SilentSince(placed.node_id());
  v1::FirstCause blamed = CauseOf(loss, placed);
  blamed.set_summary(blamed.reason());
  *blamed.mutable_time() =
      ToTimestamp(silent_since == absl::InfiniteFuture() ? Now() : silent_since);
  for (const v1::RankStatus& rank : attempt->ranks()) {
    const bool failed = RankEnded(rank) && !Succeeded(rank.exit());
    if (rank.node_name() != placed.node_name() && failed) blamed.set_fallout(blamed.fallout() + 1);
  }
  *attempt->mutable_first_cause() = blamed;
  entry->record.stop_cause = StopCause::kHostLost;
  entry->record.stop_reason = blamed.reason();
  return true;
}

void SchedulerImpl::StopForHost(JobEntry* entry, int node, HostLoss loss) {
  const v1::JobState state = entry->record.job.status().state();
  if (!HoldsDevices(state) || state == v1::JOB_STATE_RESERVING) return;
  // Then its ranks count as failed ones, and the others go on.
  const bool go_on = entry->record.job.spec().on_failure() == v1::FAILURE_ACTION_CONTINUE;
  if (!go_on) BlameHost(entry, node, loss);
  if (state == v1::JOB_STATE_STOPPING) return jobs_.Save(entry);
  if (!go_on && entry->record.stop_cause == StopCause::kHostLost) {
    return BeginStop(entry, StopCause::kHostLost, entry->record.stop_reason);
  }
  jobs_.Save(entry);
  Evaluate(entry);  // A rank had failed before, or the others go on.
}

std::string SchedulerImpl::HowLost(const v1::NodePlacement& node) const {
  if (nodes_.IsDead(node.node_id())) return "dead, says an operator";
  const absl::Duration silence = Now() - nodes_.SilentSince(node.node_id());
  return absl::StrCat("not heard for ",
                      absl::FormatDuration(absl::Trunc(silence, absl::Seconds(1))));
}

absl::Status SchedulerImpl::CheckOrder(const NodeOrder& order, const std::string& node_id) const {
  if (!order.confirm_dead || nodes_.IsLost(node_id)) return absl::OkStatus();
  return WithDetail(absl::FailedPreconditionError(absl::StrCat(
                        "node ", order.node, ": it is not lost, so it cannot be called dead")),
                    "NODE_NOT_LOST", "confirm_dead", "take it off first, or drain it with --now");
}

void SchedulerImpl::OrderNode(const NodeOrder& order, const std::string& who,
                              std::function<void(const absl::StatusOr<v1::Node>&)> done) {
  DCHECK(loop_->OnLoop());
  const absl::StatusOr<std::string> found = nodes_.FindId(order.node);
  if (!found.ok()) return done(found.status());
  const absl::Status allowed = CheckOrder(order, *found);
  if (!allowed.ok()) return done(allowed);
  const NodeRecord record = RecordOf(order, nodes_.OrdersFor(*found), *found);
  LOG(INFO) << "audit verb=" << VerbOf(order) << " node=" << order.node << " id=" << *found
            << " who=" << who << (order.now ? " now" : "")
            << (order.confirm_dead ? " confirm_dead" : "") << " reason=" << order.reason;
  StateBatch batch;
  batch.put_nodes.push_back(record);
  store_->Commit(std::move(batch), [this, alive = alive_, order, record, id = *found,
                                    done = std::move(done)](const absl::Status& stored) {
    if (!*alive) return;
    if (!stored.ok()) return done(stored);
    nodes_.SetOrders(record);
    const absl::Status still = CheckOrder(order, id);  // It may have come back meanwhile.
    if (order.confirm_dead && still.ok()) {
      nodes_.SetDead(id);
      OnNodeFenced(id);
    }
    if (order.now) MoveJobsAway(id, record.reason);
    SchedulePass();
    if (!still.ok()) return done(still);
    done(FindShownNode(id));
  });
}

void SchedulerImpl::MoveJobsAway(const std::string& node_id, const std::string& reason) {
  for (const std::string& id : LiveIds()) {
    JobEntry* const entry = FindLive(id);
    if (entry == nullptr || runs_.at(id)->gang == nullptr) continue;
    const v1::JobState state = entry->record.job.status().state();
    if (state == v1::JOB_STATE_STOPPING) continue;
    v1::Attempt* const attempt = CurrentAttempt(&entry->record.job);
    const int node = FindNode(attempt->placement(), node_id);
    if (node < 0 || runs_.at(id)->gang->finished(node)) continue;  // Nothing of it is there.
    if (state == v1::JOB_STATE_RESERVING) {
      runs_.at(id)->gang->Release();
      OnRefused(entry, absl::AbortedError(absl::StrCat(
                           "host ", attempt->placement().nodes(node).node_name(), " is drained")));
      continue;
    }
    // A loss that came before is told first; the end is planned all the same, and costs no restart.
    std::string before;
    if (const int lost = FindLostHost(*entry); lost >= 0) {
      const v1::FirstCause cause = CauseOf(HostLoss::kSilent, attempt->placement().nodes(lost));
      before = absl::StrCat(cause.reason(), "; ");
    }
    attempt->set_planned_end(v1::PLANNED_END_DRAINED);
    BeginStop(
        entry, StopCause::kDrained,
        absl::StrCat(before, "moves away from host ", attempt->placement().nodes(node).node_name(),
                     ", which is drained", reason.empty() ? "" : ": ", reason));
  }
}

absl::StatusOr<v1::Node> SchedulerImpl::FindShownNode(const std::string& node_id) const {
  for (v1::Node& node : Nodes()) {
    if (node.info().id() == node_id) return std::move(node);
  }
  return absl::NotFoundError(absl::StrCat("node '", node_id, "': no such node"));
}

}  // namespace muster
