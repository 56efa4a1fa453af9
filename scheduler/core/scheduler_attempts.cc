// What becomes of an attempt: it goes on, is mended, stopped, ended, or followed by another.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/job/exit_result.h"
#include "glog/logging.h"
#include "scheduler/core/attempt_ranks.h"
#include "scheduler/core/first_cause.h"
#include "scheduler/core/job_state.h"
#include "scheduler/core/restart_policy.h"
#include "scheduler/core/scheduler_impl.h"
#include "scheduler/core/success_policy.h"

namespace muster {
namespace {

// Starts that came to nothing before any rank ran are no failure of the job: they are made again,
// this many in a row, without touching its restart budget.
constexpr int kFreeStarts = 3;
constexpr absl::Duration kFreeStartDelay = absl::Seconds(1);

// What may still live when every rank has ended (grandchildren) gets so long to end by itself.
constexpr absl::Duration kLeftoverGrace = absl::Seconds(2);

// Trailing attempts of which no rank ever ran.
int StartsWithoutRanks(const v1::Job& job) {
  int count = 0;
  for (int i = job.status().attempts_size() - 1; i >= 0; --i) {
    if (AnyRankStarted(job.status().attempts(i))) break;
    ++count;
  }
  return count;
}

bool EndedOnPurpose(const v1::Attempt& attempt) {
  return attempt.planned_end() != v1::PLANNED_END_UNSPECIFIED;
}

std::vector<absl::Time> FailureTimes(const v1::Job& job) {
  std::vector<absl::Time> times;
  for (const v1::Attempt& attempt : job.status().attempts()) {
    if (AnyRankStarted(attempt) && !EndedOnPurpose(attempt)) {
      times.push_back(FromTimestamp(attempt.end_time()));
    }
  }
  return times;
}

}  // namespace

void SchedulerImpl::Evaluate(JobEntry* entry) {
  v1::Job& job = entry->record.job;
  Run* const run = runs_.at(job.id()).get();
  v1::Attempt* const attempt = CurrentAttempt(&job);
  if (job.status().state() == v1::JOB_STATE_STOPPING) {
    GiveUpLostNodes(entry);
    if (run->gang->all_finished() && AllRanksEnded(attempt->ranks())) EndAttempt(entry);
    return;
  }
  if (!HoldsDevices(job.status().state()) || job.status().state() == v1::JOB_STATE_RESERVING) {
    return;
  }
  if (job.status().state() == v1::JOB_STATE_UNKNOWN && AllNodesConnected(*entry)) {
    Step(entry, JobEvent::kHear, "");
  }
  if (job.status().state() == v1::JOB_STATE_STARTING && AllRanksStarted(attempt->ranks())) {
    Step(entry, JobEvent::kRun, "");
    run->refusals.Reset();
    ArmAttemptTimer(entry);
  }
  if (RestartFailedRanks(entry)) return;
  switch (JudgeAttempt(job.spec(), attempt->ranks())) {
    case Verdict::kGoOn:
      return;
    case Verdict::kFailed: {
      const v1::RankStatus* const first = FindFirstFailure(attempt->ranks());
      return BeginStop(entry, StopCause::kRankFailed,
                       MakeFirstCause(*first, attempt->ranks()).summary());
    }
    case Verdict::kCleanUp:
      return BeginStop(entry, StopCause::kSucceeded,
                       "it has succeeded; the other ranks are stopped");
    case Verdict::kEnded:
      break;
  }
  if (run->gang->all_finished()) return EndAttempt(entry);
  if (run->leftover_timer != 0) return;
  run->leftover_timer = loop_->After(kLeftoverGrace, [this, id = job.id()] {
    JobEntry* const live = FindLive(id);
    if (live == nullptr) return;
    runs_.at(id)->leftover_timer = 0;
    if (IsWaitingState(live->record.job.status().state()) || !runs_.at(id)->gang) return;
    runs_.at(id)->gang->Stop(absl::ZeroDuration(), "every rank has ended");
  });
}

// restart.scope: rank. Returns whether ranks will start again, and the failures of others, if any,
// do not matter until then.
bool SchedulerImpl::RestartFailedRanks(JobEntry* entry) {
  v1::Job& job = entry->record.job;
  const v1::RestartSpec& restart = job.spec().restart();
  if (restart.scope() != v1::RESTART_SCOPE_RANK || restart.max_restarts() == 0) return false;
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
    if (run->exhausted.count(key) > 0) {
      if (go_on) continue;
      return false;
    }
    std::vector<absl::Time>& failures = run->rank_failures[key];
    // After a restart of the scheduler the past is known as a number only.
    if (static_cast<int>(failures.size()) < rank.restarts()) {
      failures.resize(static_cast<size_t>(rank.restarts()), Now());
    }
    failures.push_back(Now());
    const bool may_help = rank.exit().how_case() != v1::ExitResult::kNotStarted;
    const std::optional<absl::Duration> delay =
        may_help ? RestartDelay(restart, failures, Now()) : std::nullopt;
    if (delay.has_value()) {
      RestartRankLater(entry, rank, *delay);
      continue;
    }
    run->exhausted.insert(key);
    if (!go_on) return false;  // It ends the gang as any failure does.
  }
  return !run->restarting.empty();
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
  run->rank_timers.push_back(loop_->After(delay, [this, id, node, role, number, restart] {
    JobEntry* const live = FindLive(id);
    if (live == nullptr || !runs_.at(id)->gang) return;
    const auto& restarting = runs_.at(id)->restarting;
    const auto it = restarting.find({role, number});
    if (it == restarting.end() || it->second != restart) return;
    runs_.at(id)->gang->RestartRank(node, role, number, restart);
  }));
}

void SchedulerImpl::BeginStop(JobEntry* entry, StopCause cause, const std::string& reason,
                              std::function<void()> durable) {
  v1::Job& job = entry->record.job;
  entry->record.stop_cause = cause;
  entry->record.stop_reason = reason;
  if (job.status().state() == v1::JOB_STATE_STOPPING) {
    job.mutable_status()->set_reason(reason);  // A cancel on top of another end.
  } else {
    Step(entry, JobEvent::kStop, reason);
  }
  if (cause == StopCause::kRankFailed) {
    *CurrentAttempt(&job)->mutable_first_cause() = FindFirstCause(entry->record, Now());
  }
  Run* const run = runs_.at(job.id()).get();
  loop_->Cancel(run->attempt_timer);
  run->restarting.clear();
  jobs_.Save(entry, std::move(durable));
  // Not after the save: it may be this job that fills the disk. A scheduler that dies in between
  // hears of the failure again, or has not answered the cancel.
  OrderStop(job.id());
}

void SchedulerImpl::OrderStop(const std::string& id) {
  JobEntry* const entry = FindLive(id);
  if (entry == nullptr || entry->record.job.status().state() != v1::JOB_STATE_STOPPING) return;
  runs_.at(id)->gang->Stop(FromProtoDuration(entry->record.job.spec().timeouts().stop_grace()),
                           entry->record.stop_reason);
  Evaluate(entry);
}

void SchedulerImpl::EndAttempt(JobEntry* entry) {
  v1::Job& job = entry->record.job;
  v1::Attempt* const attempt = CurrentAttempt(&job);
  const StopCause cause = entry->record.stop_cause;
  *attempt->mutable_end_time() = ToTimestamp(Now());
  if (cause == StopCause::kCancelled) {
    return Finish(entry, JobEvent::kCancelled, entry->record.stop_reason, kExitCancelled);
  }
  const bool may_succeed =
      cause == StopCause::kNone || cause == StopCause::kSucceeded || EndedOnPurpose(*attempt);
  if (may_succeed && SuccessFulfilled(job.spec().success(), attempt->ranks())) {
    attempt->clear_first_cause();
    return Finish(entry, JobEvent::kSucceed, "", 0);
  }
  FailAttempt(entry);
}

void SchedulerImpl::FailAttempt(JobEntry* entry) {
  v1::Job& job = entry->record.job;
  const v1::FirstCause cause = FindFirstCause(entry->record, Now());
  *CurrentAttempt(&job)->mutable_first_cause() = cause;
  const std::optional<absl::Duration> delay = DelayOfNextAttempt(job, cause);
  if (!delay.has_value()) {
    return Finish(entry, JobEvent::kFail, cause.summary(), ExitCodeOf(entry->record, cause));
  }
  if (AnyRankStarted(*CurrentAttempt(job)) && !EndedOnPurpose(*CurrentAttempt(job))) {
    job.mutable_status()->set_restarts(job.status().restarts() + 1);
  }
  Step(entry, JobEvent::kRestart,
       absl::StrCat("starts again in ", absl::FormatDuration(*delay), ": ", cause.summary()));
  entry->record.stop_cause = StopCause::kNone;
  entry->record.stop_reason.clear();
  *job.mutable_status()->mutable_next_start_time() = ToTimestamp(Now() + *delay);
  DropGang(entry);
  jobs_.Save(entry);
  Enqueue(entry, *delay);
}

std::optional<absl::Duration> SchedulerImpl::DelayOfNextAttempt(const v1::Job& job,
                                                                const v1::FirstCause& cause) const {
  if (!MayHelp(cause)) return std::nullopt;
  for (const v1::RankStatus& rank : CurrentAttempt(job)->ranks()) {
    // Given up with its node: it may still run there.
    if (rank.state() == v1::RANK_STATE_LOST && rank.exit().stopped()) return std::nullopt;
  }
  if (EndedOnPurpose(*CurrentAttempt(job))) return absl::ZeroDuration();
  if (!AnyRankStarted(*CurrentAttempt(job))) {
    const int starts = StartsWithoutRanks(job);
    if (starts > kFreeStarts) return std::nullopt;
    return kFreeStartDelay * (1 << (starts - 1));
  }
  const v1::RestartSpec& restart = job.spec().restart();
  // With scope `rank` the ranks have used up the budget one by one.
  if (restart.max_restarts() == 0 || restart.scope() == v1::RESTART_SCOPE_RANK) {
    return std::nullopt;
  }
  return RestartDelay(restart, FailureTimes(job), Now());
}

}  // namespace muster
