// What becomes of an attempt: it goes on, is stopped, or ended.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/job/exit_result.h"
#include "glog/logging.h"
#include "scheduler/core/attempt_ranks.h"
#include "scheduler/core/elastic.h"
#include "scheduler/core/first_cause.h"
#include "scheduler/core/job_state.h"
#include "scheduler/core/restart_policy.h"
#include "scheduler/core/scheduler_impl.h"
#include "scheduler/core/success_policy.h"

namespace muster {
namespace {

// What may still live when every rank has ended (grandchildren) gets so long to end by itself.
constexpr absl::Duration kLeftoverGrace = absl::Seconds(2);

// So often an order to stop that waits for its record looks whether the disk has become full.
constexpr absl::Duration kFullCheck = absl::Seconds(2);

// Whether a scheduler after this one hears of the same again: agents repeat exits until they are
// durable here.
bool IsHeardAgain(StopCause cause) {
  return cause == StopCause::kRankFailed || cause == StopCause::kSucceeded;
}

bool EndedOnPurpose(const v1::Attempt& attempt) {
  return attempt.planned_end() != v1::PLANNED_END_UNSPECIFIED;
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
    const int hosts = attempt->placement().nodes_size();
    if (hosts != job.spec().nodes().max()) SchedulePass();  // There may be some to grow by.
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
  *CurrentAttempt(&job)->mutable_stop_time() = ToTimestamp(Now());
  const int attempt = CurrentAttempt(job)->number();
  if (IsHeardAgain(cause)) {
    jobs_.Save(entry, std::move(durable));
    return OrderStop(job.id(),
                     attempt);  // Not after the save: it may be this job that fills the disk.
  }
  // After the save: who comes after a scheduler that dies in between would take the ends of these
  // ranks for a failure.
  jobs_.Save(entry, [this, alive = alive_, id = job.id(), attempt, durable = std::move(durable)] {
    if (!*alive) return;
    if (durable) durable();
    OrderStop(id, attempt);
  });
  const bool can_wait = EndedOnPurpose(*CurrentAttempt(job)) && cause != StopCause::kCancelled;
  if (!can_wait) OrderStopOfFullDisk(job.id(), attempt);
}

// An order that waits for its record goes out without it where the disk is full: to end this job
// may be what frees it.
void SchedulerImpl::OrderStopOfFullDisk(const std::string& id, int attempt) {
  if (absl::IsResourceExhausted(store_->Full())) return OrderStop(id, attempt);
  Run* const run = runs_.at(id).get();
  loop_->Cancel(run->stop_timer);
  run->stop_timer = loop_->After(kFullCheck, [this, id, attempt] {
    if (FindLive(id) != nullptr) OrderStopOfFullDisk(id, attempt);
  });
}

void SchedulerImpl::OrderStop(const std::string& id, int attempt) {
  JobEntry* const entry = FindLive(id);
  if (entry == nullptr || entry->record.job.status().state() != v1::JOB_STATE_STOPPING) return;
  if (CurrentAttempt(&entry->record.job)->number() != attempt) return;
  loop_->Cancel(runs_.at(id)->stop_timer);
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
  const bool on_purpose = EndedOnPurpose(*attempt);
  // A gang that was stopped in its work has not done it, also where its ranks say 0 to SIGTERM.
  const bool may_succeed =
      cause == StopCause::kNone || cause == StopCause::kSucceeded || on_purpose;
  if (may_succeed && SuccessFulfilled(job.spec().success(), attempt->ranks())) {
    attempt->clear_first_cause();
    attempt->clear_planned_end();
    return Finish(entry, JobEvent::kSucceed, "", 0);
  }
  if (on_purpose && !RestartsRanks(job.spec().restart()) &&
      HadFailed(job.spec(), attempt->ranks(), FromTimestamp(attempt->stop_time()))) {
    attempt->clear_planned_end();  // The plan came too late.
    entry->record.stop_cause = StopCause::kRankFailed;
  }
  FailAttempt(entry);
}

}  // namespace muster
