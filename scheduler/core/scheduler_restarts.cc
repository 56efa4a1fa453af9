// The restart ladder at work: what follows an attempt, or one life of a rank, that failed.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/job/exit_result.h"
#include "glog/logging.h"
#include "scheduler/core/attempt_ranks.h"
#include "scheduler/core/elastic.h"
#include "scheduler/core/failure_history.h"
#include "scheduler/core/fault_class.h"
#include "scheduler/core/first_cause.h"
#include "scheduler/core/job_state.h"
#include "scheduler/core/restart_policy.h"
#include "scheduler/core/scheduler_impl.h"
#include "scheduler/core/success_policy.h"

namespace muster {
namespace {

bool EndedOnPurpose(const v1::Attempt& attempt) {
  return attempt.planned_end() != v1::PLANNED_END_UNSPECIFIED;
}

// Given up with their node, ranks of the attempt may still run there.
bool MayStillRun(const v1::Attempt& attempt) {
  return std::any_of(attempt.ranks().begin(), attempt.ranks().end(), [](const auto& rank) {
    return rank.state() == v1::RANK_STATE_LOST && rank.exit().stopped();
  });
}

// With restart.scope: rank, of a fault that a new attempt does not follow: why no rank started
// again.
RestartDecision DecideForRank(const v1::RestartSpec& restart, const RestartLimits& limits,
                              const v1::Attempt& attempt) {
  const v1::FirstCause& cause = attempt.first_cause();
  const std::vector<Failure> history = FailuresOfRank(attempt, cause.role(), cause.rank());
  RestartDecision decision;
  if (!history.empty()) decision = DecideRestart(restart, limits, history);
  if (decision.again || decision.why.empty()) {
    decision = RestartDecision();
    decision.why = "restart.scope is rank, and no rank could be started again";
  }
  return decision;
}

std::string StartsAgain(const RestartDecision& decision) {
  std::string text = absl::StrCat("starts again in ", absl::FormatDuration(decision.delay));
  if (decision.avoid.empty()) return text;
  return absl::StrCat(
      text, ", on other hosts than ",
      absl::StrJoin(decision.avoid, ", ",
                    [](std::string* out, const auto& node) { absl::StrAppend(out, node.second); }),
      " if there are any");
}

}  // namespace

void SchedulerImpl::FailAttempt(JobEntry* entry) {
  v1::Job& job = entry->record.job;
  v1::Attempt* const attempt = CurrentAttempt(&job);
  const v1::FirstCause cause = FindFirstCause(entry->record, Now());
  const bool ranks_ran = AnyRankStarted(*attempt);
  NoteFault(entry->record, cause, attempt);
  const RestartDecision decision = DecideNext(job);
  if (!decision.again) {
    job.mutable_status()->set_gave_up(decision.why);
    return Finish(entry, JobEvent::kFail, cause.summary(), ExitCodeOf(entry->record, cause));
  }
  if (ranks_ran && !EndedOnPurpose(*attempt)) {
    job.mutable_status()->set_restarts(job.status().restarts() + 1);
  }
  Step(entry, JobEvent::kRestart, absl::StrCat(StartsAgain(decision), ": ", cause.summary()));
  entry->record.stop_cause = StopCause::kNone;
  entry->record.stop_reason.clear();
  *job.mutable_status()->mutable_next_start_time() = ToTimestamp(Now() + decision.delay);
  BeginStartWait(entry);
  DropGang(entry);
  jobs_.Save(entry);
  Enqueue(entry, decision.delay);
}

void SchedulerImpl::NoteFault(const JobRecord& record, const v1::FirstCause& cause,
                              v1::Attempt* attempt) const {
  *attempt->mutable_first_cause() = cause;
  if (EndedOnPurpose(*attempt)) return;
  const bool device_ill = cause.has_exit() && HasIllDevice(*attempt, cause.role(), cause.rank());
  attempt->set_fault_class(ClassifyFault(record.job.spec().restart(),
                                         {record.stop_cause, AnyRankStarted(*attempt), device_ill},
                                         cause));
}

bool SchedulerImpl::AnotherMayFollow(const JobEntry& entry) const {
  v1::Job job = entry.record.job;  // As if it ended now.
  v1::Attempt* const attempt = CurrentAttempt(&job);
  *attempt->mutable_end_time() = ToTimestamp(Now());
  NoteFault(entry.record, FindFirstCause(entry.record, Now()), attempt);
  return DecideNext(job).again;
}

RestartDecision SchedulerImpl::DecideNext(const v1::Job& job) const {
  const v1::Attempt& attempt = *CurrentAttempt(job);
  const v1::RestartSpec& restart = job.spec().restart();
  RestartDecision decision;
  if (MayStillRun(attempt)) {
    decision.why = "ranks of this attempt may still run on a host that was given up";
    return decision;
  }
  if (EndedOnPurpose(attempt)) {
    decision.again = true;
    return decision;
  }
  const bool new_attempt = IsHostFault(attempt.fault_class()) || !AnyRankStarted(attempt);
  if (RestartsRanks(restart) && !new_attempt) {
    return DecideForRank(restart, options_.restart_limits, attempt);
  }
  decision = DecideRestart(restart, options_.restart_limits, FailuresOfJob(job));
  // It lacks nothing that would have to recover first.
  const bool goes_on_smaller =
      IsElastic(job.spec()) && attempt.fault_class() == v1::FAULT_CLASS_HOST;
  if (goes_on_smaller) decision.delay = absl::ZeroDuration();
  return decision;
}

bool SchedulerImpl::HasIllDevice(const v1::Attempt& attempt, const std::string& role,
                                 int rank) const {
  for (const v1::NodePlacement& node : attempt.placement().nodes()) {
    for (const v1::RankPlacement& placed : node.ranks()) {
      if (placed.role() != role || placed.rank() != rank) continue;
      return std::any_of(placed.devices().begin(), placed.devices().end(), [&](int device) {
        return device < node.devices_size() && nodes_.IsIll(node.node_id(), node.devices(device));
      });
    }
  }
  return false;
}

std::set<std::string> SchedulerImpl::HostsToAvoid(const JobEntry& entry) const {
  const RestartLimits& limits = options_.restart_limits;
  std::set<std::string> nodes = HostsThatRefuse(*runs_.at(entry.record.job.id()));
  for (const auto& [id, name] : muster::HostsToAvoid(
           FailuresOfJob(entry.record.job), limits.failures_of_host, limits.host_memory, Now())) {
    nodes.insert(id);
  }
  return nodes;
}

// restart.scope: rank. Returns whether ranks will start again, and the failures of others, if any,
// do not matter until then.
bool SchedulerImpl::RestartFailedRanks(JobEntry* entry) {
  v1::Job& job = entry->record.job;
  if (!RestartsRanks(job.spec().restart())) return false;
  Run* const run = runs_.at(job.id()).get();
  const bool go_on = job.spec().on_failure() == v1::FAILURE_ACTION_CONTINUE;
  for (const v1::RankStatus& rank : CurrentAttempt(job)->ranks()) {
    const std::pair<std::string, int> key(rank.role(), rank.rank());
    if (!RankEnded(rank)) {
      run->restarting.erase(key);
      continue;
    }
    const bool failed =
        rank.state() == v1::RANK_STATE_EXITED && !Succeeded(rank.exit()) && !rank.exit().stopped();
    if (!failed) continue;
    const auto coming = run->restarting.find(key);
    if (coming != run->restarting.end() && rank.restarts() < coming->second) continue;
    run->restarting.erase(key);  // That restart has come, and has failed before it was seen.
    const RestartDecision decision =
        run->exhausted.count(key) > 0 ? RestartDecision() : DecideForFailedRank(entry, rank);
    if (decision.again) {
      RestartRankLater(entry, rank, decision.delay);
      continue;
    }
    run->exhausted.insert(key);
    if (!go_on) return false;  // It ends the gang as any failure does.
  }
  return !run->restarting.empty();
}

RestartDecision SchedulerImpl::DecideForFailedRank(JobEntry* entry, const v1::RankStatus& rank) {
  v1::Job& job = entry->record.job;
  v1::Attempt* const attempt = CurrentAttempt(&job);
  const v1::RestartSpec& restart = job.spec().restart();
  const v1::FaultClass fault =
      ClassifyExit(restart, rank.exit(), HasIllDevice(*attempt, rank.role(), rank.rank()));
  // On this host, with these devices, it would not do better; a new attempt may.
  if (IsHostFault(fault)) return RestartDecision();
  NoteRankFailure(rank, fault, Now(), FromProtoDuration(restart.window()), attempt);
  return DecideRestart(restart, options_.restart_limits,
                       FailuresOfRank(*attempt, rank.role(), rank.rank()));
}

void SchedulerImpl::RestartRankLater(JobEntry* entry, const v1::RankStatus& rank,
                                     absl::Duration delay) {
  const std::string id = entry->record.job.id();
  const std::string role = rank.role();
  const int number = rank.rank();
  const int restart = rank.restarts() + 1;
  const v1::Placement& placement = CurrentAttempt(entry->record.job)->placement();
  int node = 0;
  for (int i = 0; i < placement.nodes_size(); ++i) {
    if (placement.nodes(i).node_name() == rank.node_name()) node = i;
  }
  LOG(INFO) << "job=" << id << " " << RankLabel(role, number) << " " << DescribeExit(rank.exit())
            << "; restart " << restart << " in " << delay;
  Run* const run = runs_.at(id).get();
  run->restarting[{role, number}] = restart;
  entry->record.job.mutable_status()->set_restarts(entry->record.job.status().restarts() + 1);
  jobs_.Save(entry);
  EventLoop::TimerId* const timer = &run->rank_timers[{role, number}];
  loop_->Cancel(*timer);
  *timer = loop_->After(delay, [this, id, node, role, number, restart] {
    JobEntry* const live = FindLive(id);
    if (live == nullptr || !runs_.at(id)->gang) return;
    const auto& restarting = runs_.at(id)->restarting;
    const auto it = restarting.find({role, number});
    if (it == restarting.end() || it->second != restart) return;
    runs_.at(id)->gang->RestartRank(node, role, number, restart);
  });
}

}  // namespace muster
