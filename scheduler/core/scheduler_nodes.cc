// What comes from the agents.
#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/failpoint.h"
#include "common/base/protocol.h"
#include "common/base/status.h"
#include "common/job/exit_result.h"
#include "glog/logging.h"
#include "scheduler/core/attempt_ranks.h"
#include "scheduler/core/elastic.h"
#include "scheduler/core/first_cause.h"
#include "scheduler/core/job_state.h"
#include "scheduler/core/scheduler_impl.h"

namespace muster {
namespace {

// Whether the host has ended a rank that would have run on.
bool StoppedByItself(const v1::GangReport& report) {
  return std::any_of(report.ranks().begin(), report.ranks().end(), [](const v1::RankStatus& rank) {
    return rank.exit().stopped() || rank.state() == v1::RANK_STATE_STOPPING;
  });
}

absl::Status CheckProtocol(const v1::NodeHello& hello) {
  if (!hello.has_protocol() || hello.protocol().major() == kProtocolMajor) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "node ", hello.info().name(), ": its agent speaks protocol ", hello.protocol().major(), ".",
      hello.protocol().minor(), ", this scheduler speaks ", ToString(OwnProtocol()),
      "; use programs whose protocols have the same first number"));
}

// What becomes of a job whose host is lost.
std::string AfterLoss(const v1::JobSpec& spec, const v1::NodePlacement& node) {
  if (!WillFence(spec, node)) return "the job is believed to run until it returns";
  const bool alone = spec.on_failure() == v1::FAILURE_ACTION_CONTINUE;
  return absl::StrCat(alone                              ? "its ranks are given up"
                      : HostRestarts(spec.restart()) > 0 ? "the job moves"
                                                         : "the job ends",
                      " when its lease has surely run out, unless it returns before");
}

}  // namespace

absl::StatusOr<v1::NodeWelcome> SchedulerImpl::NodeConnected(const v1::NodeHello& hello,
                                                             uint64_t session,
                                                             std::function<void()> on_lost) {
  DCHECK(loop_->OnLoop());
  MUSTER_RETURN_IF_ERROR(CheckProtocol(hello));
  MUSTER_ASSIGN_OR_RETURN(const NodeTable::Connected connected,
                          nodes_.Connect(hello, session, std::move(on_lost)));
  SendReleases(hello.info().id());
  MeetGangs(hello.info().id(), hello, connected);
  ArmSilenceTimer();
  SchedulePass();
  v1::NodeWelcome welcome;
  welcome.set_epoch(epoch_);
  const ProtocolVersion own = OwnProtocol();
  if (own.minor > 0) {
    welcome.mutable_protocol()->set_major(own.major);
    welcome.mutable_protocol()->set_minor(own.minor);
  }
  *welcome.mutable_heartbeat_interval() = ToProtoDuration(options_.heartbeat_interval);
  if (options_.node_lease > absl::ZeroDuration()) {
    *welcome.mutable_node_lease() = ToProtoDuration(options_.node_lease);
    *welcome.mutable_fence_grace() = ToProtoDuration(options_.fence_grace);
  }
  return welcome;
}

void SchedulerImpl::NodeHeartbeat(uint64_t session) {
  DCHECK(loop_->OnLoop());
  nodes_.SetObeys(session);
  HeardFrom(session);
}

void SchedulerImpl::HeardFrom(uint64_t session) {
  if (!nodes_.Heard(session)) return;
  // It was silent, not gone: its stream never broke.
  for (const std::string& id : LiveIds()) {
    JobEntry* const entry = FindLive(id);
    if (entry == nullptr || entry->record.job.status().state() != v1::JOB_STATE_UNKNOWN) continue;
    Evaluate(entry);
    jobs_.Save(entry);
  }
  ArmSilenceTimer();
  SchedulePass();
}

void SchedulerImpl::NodeReport(uint64_t session, const v1::GangReport& report,
                               std::function<void(const v1::GangReportAck&)> acked) {
  DCHECK(loop_->OnLoop());
  const std::string* const node = nodes_.NodeOf(session);
  if (node == nullptr) return;  // A newer stream of this node has taken over.
  const std::string node_id = *node;
  HeardFrom(session);
  v1::GangReportAck ack;
  ack.set_job_id(report.job_id());
  ack.set_attempt(report.attempt());
  ack.set_sequence(report.sequence());
  TakeReport(node_id, report, [ack, acked = std::move(acked)] { acked(ack); });
}

void SchedulerImpl::NodeInfoChanged(uint64_t session, const v1::NodeInfo& info) {
  DCHECK(loop_->OnLoop());
  nodes_.SetInfo(session, info);
  SchedulePass();
}

void SchedulerImpl::NodeDisconnected(uint64_t session) {
  DCHECK(loop_->OnLoop());
  nodes_.Disconnect(session);
  ArmSilenceTimer();
}

std::vector<v1::Node> SchedulerImpl::Nodes() const {
  DCHECK(loop_->OnLoop());
  std::vector<v1::Node> nodes = nodes_.List();
  std::map<std::string, v1::Node*> by_id;
  for (v1::Node& node : nodes) by_id[node.info().id()] = &node;
  for (const auto& [id, run] : runs_) {
    const v1::Job& job = jobs_.Find(id)->record.job;
    if (!HoldsDevices(job.status().state())) continue;
    for (const v1::NodePlacement& placement : CurrentAttempt(job)->placement().nodes()) {
      const auto it = by_id.find(placement.node_id());
      if (it == by_id.end()) continue;
      it->second->add_jobs(id);
      for (const v1::DeviceId& device : placement.devices()) {
        v1::DeviceHold* const hold = it->second->add_holds();
        hold->set_kind(device.kind());
        hold->set_physical(device.physical());
        hold->set_job_id(id);
      }
    }
  }
  for (v1::Node& node : nodes) {
    if (node.state() != v1::NODE_STATE_DRAINING) continue;
    node.set_reason(absl::StrCat(node.jobs().empty() ? "drained" : "still has jobs",
                                 node.reason().empty() ? "" : ": ", node.reason()));
  }
  return nodes;
}

void SchedulerImpl::TakeReport(const std::string& node_id, const v1::GangReport& report,
                               const std::function<void()>& durable) {
  JobEntry* const entry = jobs_.Find(report.job_id());
  const bool live = runs_.count(report.job_id()) > 0;
  v1::Attempt* const attempt = entry == nullptr ? nullptr : CurrentAttempt(&entry->record.job);
  const v1::JobState state =
      entry == nullptr ? v1::JOB_STATE_UNSPECIFIED : entry->record.job.status().state();
  const bool current = live && attempt != nullptr && attempt->number() == report.attempt() &&
                       HoldsDevices(state) && state != v1::JOB_STATE_RESERVING;
  const int node = current ? FindNode(attempt->placement(), node_id) : -1;
  if (node < 0) {
    StopStranger(node_id, report);
    if (entry == nullptr) return durable();
    return SettleExits(entry, node_id, report) ? jobs_.Save(entry, durable)
                                               : jobs_.AfterSaved(entry, durable);
  }
  const std::string id = report.job_id();
  GangTracker* const gang = runs_.at(id)->gang.get();
  if (!gang->TakeReport(node, report.sequence(), report.finished())) {
    // What is over for this attempt must not live on there: its host was lost, and has returned.
    if (!gang->finished(node)) return jobs_.AfterSaved(entry, durable);
    StopStranger(node_id, report);
    KeepVerdict(entry);
    if (!SettleExits(entry, node_id, report)) return jobs_.AfterSaved(entry, durable);
    jobs_.Save(entry, durable);
    return Evaluate(entry);
  }
  ApplyReport(report, node, attempt);
  if (report.finished()) {
    const bool failed_start = !report.error().empty() && !NodeRanksStarted(*attempt, node);
    v1::ExitResult exit = failed_start ? NotStarted(report.error())
                                       : UnknownExit("its agent has no record of its end");
    EndRanks(node, failed_start ? v1::RANK_STATE_EXITED : v1::RANK_STATE_UNKNOWN, exit, Now(),
             attempt);
  }
  if (report.fenced() && StoppedByItself(report)) {
    StopForHost(entry, node, HostLoss::kFenced);
    if (runs_.count(id) == 0) return jobs_.AfterSaved(entry, durable);
  }
  if (Planted("ack_report_before_commit")) durable();
  jobs_.Save(entry, durable);  // What follows below rides in the same commit.
  Evaluate(entry);
}

bool SchedulerImpl::SettleExits(JobEntry* entry, const std::string& node_id,
                                const v1::GangReport& report) {
  bool changed = false;
  for (v1::Attempt& attempt : *entry->record.job.mutable_status()->mutable_attempts()) {
    const int node = FindNode(attempt.placement(), node_id);
    if (attempt.number() != report.attempt() || node < 0) continue;
    changed = ApplyLateExits(report, node, &attempt) || changed;
  }
  return changed;
}

// A rank that was given up has failed; how it really ended goes into the record, but undoes nothing
// that followed from that.
void SchedulerImpl::KeepVerdict(JobEntry* entry) {
  v1::Attempt* const attempt = CurrentAttempt(&entry->record.job);
  const StopCause cause = entry->record.stop_cause;
  if (attempt->has_first_cause()) return;
  if (cause != StopCause::kNone && cause != StopCause::kRankFailed) return;
  const v1::RankStatus* const first = FindFirstFailure(attempt->ranks());
  if (first != nullptr) *attempt->mutable_first_cause() = MakeFirstCause(*first, attempt->ranks());
}

// A gang that nobody here wants any more: of an unknown or ended job, or an older attempt.
void SchedulerImpl::StopStranger(const std::string& node_id, const v1::GangReport& report) {
  AgentChannel* const channel = nodes_.ChannelOf(node_id);
  if (report.finished() || channel == nullptr) return;
  LOG(WARNING) << "job=" << report.job_id() << " attempt=" << report.attempt()
               << " is superseded; its ranks on node " << node_id << " are stopped";
  v1::StopGangRequest request;
  request.mutable_gang()->set_job_id(report.job_id());
  request.mutable_gang()->set_attempt(report.attempt());
  request.mutable_gang()->set_epoch(epoch_);
  request.set_reason("superseded");
  // When it fails, the next report or hello brings us here again.
  channel->Stop(request, [](const absl::StatusOr<v1::StopGangResponse>&) {});
}

void SchedulerImpl::MeetGangs(const std::string& node_id, const v1::NodeHello& hello,
                              const NodeTable::Connected& connected) {
  std::set<std::pair<std::string, int>> there;
  for (const v1::GangReport& report : hello.gangs()) {
    there.insert({report.job_id(), report.attempt()});
  }
  for (const std::string& id : LiveIds()) {
    JobEntry* const entry = FindLive(id);
    if (entry == nullptr || runs_.at(id)->gang == nullptr) continue;
    const v1::Attempt& attempt = *CurrentAttempt(entry->record.job);
    const int node = FindNode(attempt.placement(), node_id);
    if (node < 0 || entry->record.job.status().state() == v1::JOB_STATE_RESERVING) continue;
    const bool has_gang = there.count({id, attempt.number()}) > 0;
    if (!runs_.at(id)->gang->NodeConnected(node, has_gang, connected.restarted)) {
      LoseGang(entry, node, connected.rebooted);
    }
    if (runs_.count(id) == 0) continue;
    const v1::JobState before = entry->record.job.status().state();
    Evaluate(entry);
    if (entry->record.job.status().state() != before) jobs_.Save(entry);
  }
  for (const v1::GangReport& report : hello.gangs()) TakeReport(node_id, report, [] {});
}

// The agent was restarted and knows nothing of a gang that it had started.
void SchedulerImpl::LoseGang(JobEntry* entry, int node, bool rebooted) {
  v1::Attempt* const attempt = CurrentAttempt(&entry->record.job);
  const v1::NodePlacement& placement = attempt->placement().nodes(node);
  runs_.at(entry->record.job.id())->gang->SetFinished(node);
  if (NodeRanksEnded(*attempt, node)) return;  // It has told all, and was allowed to forget.
  const std::string why = rebooted ? "its host was rebooted" : "its agent has lost its state";
  EndRanks(node, rebooted ? v1::RANK_STATE_LOST : v1::RANK_STATE_UNKNOWN, UnknownExit(why), Now(),
           attempt);
  LOG(ERROR) << "job=" << entry->record.job.id() << " attempt=" << attempt->number()
             << " node=" << placement.node_name() << ": " << why;
  jobs_.Save(entry);
  if (rebooted) StopForHost(entry, node, HostLoss::kRebooted);
}

void SchedulerImpl::SendReleases(const std::string& node_id) {
  const auto it = releases_.find(node_id);
  AgentChannel* const channel = nodes_.ChannelOf(node_id);
  if (it == releases_.end() || channel == nullptr) return;
  nodes_.SetJoining(node_id, true);
  const auto left = std::make_shared<size_t>(it->second.size());
  for (const v1::GangRef& gang : it->second) {
    v1::ReleaseGangRequest request;
    *request.mutable_gang() = gang;
    // Whatever the answer: what is left lapses by itself, and a plan that collides with it is made
    // again.
    channel->Release(request, [this, alive = alive_, node_id,
                               left](const absl::StatusOr<v1::ReleaseGangResponse>&) {
      if (!*alive || --*left > 0) return;
      nodes_.SetJoining(node_id, false);
      SchedulePass();
    });
  }
  releases_.erase(it);
}

void SchedulerImpl::OnNodeLost(const std::string& node_id) {
  for (const std::string& id : LiveIds()) {
    JobEntry* const entry = FindLive(id);
    if (entry == nullptr || runs_.at(id)->gang == nullptr) continue;
    const v1::Placement& placement = CurrentAttempt(entry->record.job)->placement();
    const int node = FindNode(placement, node_id);
    if (node < 0 || runs_.at(id)->gang->finished(node)) continue;
    const v1::JobState state = entry->record.job.status().state();
    if (state == v1::JOB_STATE_RUNNING) {
      Step(entry, JobEvent::kSilence,
           absl::StrCat("node ", placement.nodes(node).node_name(), " is lost; ",
                        AfterLoss(entry->record.job.spec(), placement.nodes(node))));
      jobs_.Save(entry);
    } else if (state == v1::JOB_STATE_STOPPING) {
      Evaluate(entry);
    }
  }
}

void SchedulerImpl::GiveUpLostNodes(JobEntry* entry) {
  v1::Job& job = entry->record.job;
  v1::Attempt* const attempt = CurrentAttempt(&job);
  GangTracker* const gang = runs_.at(job.id())->gang.get();
  const StopCause cause = entry->record.stop_cause;
  // Another attempt must not begin while this one may still run somewhere.
  const auto last = [&] {
    return cause == StopCause::kCancelled || cause == StopCause::kSucceeded ||
           !AnotherMayFollow(*entry);
  };
  const bool may_move = HostRestarts(job.spec().restart()) > 0;
  for (int i = 0; i < attempt->placement().nodes_size(); ++i) {
    const v1::NodePlacement& node = attempt->placement().nodes(i);
    if (gang->finished(i) || !nodes_.IsLost(node.node_id())) continue;
    if (HostIsOver(*entry, i)) {
      LoseHost(entry, i);
      continue;
    }
    if ((may_move && IsHostToBlame(*entry, i)) || !last()) {
      const std::string reason = absl::StrCat(
          entry->record.stop_reason, "; waits for node ", node.node_name(),
          WillFence(job.spec(), node) ? ", which is lost, until its lease has surely run out"
                                      : ", which is lost and may still run it");
      if (job.status().reason() == reason) continue;
      job.mutable_status()->set_reason(reason);
      jobs_.Save(entry);
      continue;
    }
    v1::ExitResult exit = UnknownExit("its node was lost while it was being stopped");
    exit.set_stopped(true);
    EndRanks(i, v1::RANK_STATE_LOST, exit, Now(), attempt);
    gang->SetFinished(i);
    BlameHost(entry, i, HostLoss::kSilent);
  }
}

void SchedulerImpl::ArmSilenceTimer() {
  loop_->Cancel(silence_timer_);
  silence_timer_ = 0;
  const std::optional<absl::Duration> due = nodes_.NextCheck();
  if (!due.has_value()) return;
  silence_timer_ = loop_->After(*due - loop_->clock()->Boot(), [this] {
    const NodeTable::Silent silent = nodes_.CheckSilence();
    for (const std::string& node_id : silent.lost) OnNodeLost(node_id);
    for (const std::string& node_id : silent.fenced) OnNodeFenced(node_id);
    ArmSilenceTimer();
  });
}

std::vector<std::string> SchedulerImpl::LiveIds() const {
  std::vector<std::string> ids;
  for (const auto& [id, run] : runs_) ids.push_back(id);
  return ids;
}

bool SchedulerImpl::AllNodesConnected(const JobEntry& entry) const {
  const v1::Placement& placement = CurrentAttempt(entry.record.job)->placement();
  const GangTracker& gang = *runs_.at(entry.record.job.id())->gang;
  for (int i = 0; i < placement.nodes_size(); ++i) {
    const std::string& id = placement.nodes(i).node_id();
    if (!gang.finished(i) && (!nodes_.IsConnected(id) || nodes_.IsLost(id))) return false;
  }
  return true;
}

}  // namespace muster
