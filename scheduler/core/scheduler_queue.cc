// The jobs that wait: who goes next, who must make room, and who has had his share.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/job/exit_result.h"
#include "common/rpc/error_details.h"
#include "glog/logging.h"
#include "scheduler/core/first_cause.h"
#include "scheduler/core/job_state.h"
#include "scheduler/core/queue_pass.h"
#include "scheduler/core/scheduler_impl.h"

namespace muster {
namespace {

// A gang that is being stopped counts as room that is about to be free for its grace and so long;
// then other victims are looked for.
constexpr absl::Duration kStopPatience = absl::Seconds(30);

}  // namespace

void SchedulerImpl::Enqueue(JobEntry* entry, absl::Duration delay) {
  JobQueue::Item item;
  item.job_id = entry->record.job.id();
  item.priority = entry->record.job.spec().priority();
  item.submit_ns = absl::ToUnixNanos(FromTimestamp(entry->record.job.status().submit_time()));
  item.spec = &entry->record.job.spec();
  const v1::Attempt* const last = CurrentAttempt(static_cast<const v1::Job&>(entry->record.job));
  if (last != nullptr) item.previous = &last->placement();
  item.wait = &runs_.at(item.job_id)->start_wait;
  item.avoid = HostsToAvoid(*entry);
  item.owner = entry->record.job.status().owner();
  item.not_before = loop_->clock()->Boot() + delay;
  queue_.Add(item);
  SchedulePass();
}

void SchedulerImpl::ArmQueueTimer(JobEntry* entry) {
  const v1::Job& job = entry->record.job;
  Run* const run = runs_.at(job.id()).get();
  loop_->Cancel(run->queue_timer);
  const absl::Duration limit = FromProtoDuration(job.spec().timeouts().queue());
  if (limit <= absl::ZeroDuration() || job.status().attempts_size() > 0) return;
  run->queue_timer = loop_->After(LeftOf(limit, &*run->submitted), [this, id = job.id(), limit] {
    JobEntry* const late = FindLive(id);
    if (late == nullptr || !IsWaitingState(late->record.job.status().state())) return;
    if (late->record.job.status().attempts_size() > 0) return;
    if (LeftOf(limit, &*runs_.at(id)->submitted) > absl::ZeroDuration()) {
      return ArmQueueTimer(late);
    }
    const std::string waited_for = late->record.job.status().reason();
    Finish(late, JobEvent::kFail,
           absl::StrCat("not started within ", absl::FormatDuration(limit),
                        waited_for.empty() ? "" : ": ", waited_for),
           kExitTimeout);
  });
}

void SchedulerImpl::SchedulePass() {
  if (std::exchange(pass_posted_, true)) return;
  loop_->Post([this, alive = alive_] {
    if (*alive) Pass();
  });
}

void SchedulerImpl::Pass() {
  pass_posted_ = false;
  const absl::Duration now = loop_->clock()->Boot();
  const ClusterView idle = nodes_.View();
  const std::vector<RunningGang> gangs = RunningGangs(now);
  QueueScene scene;
  scene.idle = &idle;
  scene.gangs = &gangs;
  scene.quota = &options_.quota;
  scene.now = now;
  scene.settling = now < settled_at_;
  for (const JobQueue::Decision& decision : queue_.Pass(scene)) {
    JobEntry* const entry = jobs_.Find(decision.job_id);
    if (decision.plan.ok() && !decision.waits_until.has_value()) {
      Place(entry, *decision.plan, decision.has_passed);
      continue;
    }
    ShowWait(entry, decision);
    for (const std::string& victim : decision.victims) Preempt(victim, decision.job_id);
  }
  ArmWakeTimer(gangs, now);
}

void SchedulerImpl::ShowWait(JobEntry* entry, const JobQueue::Decision& decision) {
  v1::Job& job = entry->record.job;
  NoteStartWait(entry, decision.waits_until.has_value());
  std::string reason = decision.waits_until.has_value()
                           ? DescribeStartWait(entry, decision)
                           : std::string(decision.plan.status().message());
  const v1::Attempt* const last = CurrentAttempt(static_cast<const v1::Job&>(job));
  if (last != nullptr && last->planned_end() == v1::PLANNED_END_PREEMPTED) {
    reason = absl::StrCat(last->first_cause().summary(), "; ", reason);
  }
  if (job.status().state() == v1::JOB_STATE_QUEUED && job.status().reason() == reason) return;
  Step(entry, JobEvent::kWait, reason);
  job.mutable_status()->clear_next_start_time();
  jobs_.Save(entry);
}

void SchedulerImpl::Preempt(const std::string& victim, const std::string& job_id) {
  JobEntry* const entry = FindLive(victim);
  if (entry == nullptr) return;
  v1::Job& job = entry->record.job;
  if (job.status().state() != v1::JOB_STATE_STARTING &&
      job.status().state() != v1::JOB_STATE_RUNNING) {
    return;
  }
  CurrentAttempt(&job)->set_planned_end(v1::PLANNED_END_PREEMPTED);
  BeginStop(entry, StopCause::kPreempted, absl::StrCat("preempted by job ", job_id));
  SchedulePass();  // Which counts how long it takes.
}

void SchedulerImpl::ArmWakeTimer(const std::vector<RunningGang>& gangs, absl::Duration now) {
  std::optional<absl::Duration> wake = queue_.NextWake(now);
  const auto at = [&wake, now](absl::Duration due) {
    if (due > now) wake = std::min(wake.value_or(due), due);
  };
  if (const std::optional<absl::Duration> resize = ResizeGangs(now)) {
    wake = std::min(wake.value_or(*resize), *resize);
  }
  if (queue_.size() > 0) {
    at(settled_at_);
    for (const RunningGang& gang : gangs) {
      const auto run = runs_.find(gang.job_id);  // It may have ended in this pass.
      if (run == runs_.end() || !run->second->stop_seen.has_value()) continue;
      at(*run->second->stop_seen + gang.stop_grace + kStopPatience);
    }
  }
  loop_->Cancel(wake_timer_);
  if (wake.has_value()) wake_timer_ = loop_->After(*wake - now, [this] { SchedulePass(); });
}

std::vector<RunningGang> SchedulerImpl::RunningGangs(absl::Duration now) {
  std::vector<RunningGang> gangs;
  for (const auto& [id, run] : runs_) {
    const v1::Job& job = jobs_.Find(id)->record.job;
    const v1::JobState state = job.status().state();
    if (!HoldsDevices(state)) continue;
    const v1::Attempt& attempt = *CurrentAttempt(job);
    const bool obeys = state == v1::JOB_STATE_STARTING || state == v1::JOB_STATE_RUNNING;
    RunningGang gang;
    gang.job_id = id;
    gang.owner = job.status().owner();
    gang.priority = job.spec().priority();
    gang.submit_ns = absl::ToUnixNanos(FromTimestamp(job.status().submit_time()));
    gang.start_ns = absl::ToUnixNanos(FromTimestamp(attempt.start_time()));
    gang.placement = &attempt.placement();
    gang.may_be_stopped = job.spec().preemptible() && obeys;
    gang.has_passed = attempt.has_passed();
    gang.stop_grace = FromProtoDuration(job.spec().timeouts().stop_grace());
    if (state == v1::JOB_STATE_STOPPING) {
      if (!run->stop_seen.has_value()) run->stop_seen = now;
      gang.ends_soon = now < *run->stop_seen + gang.stop_grace + kStopPatience;
      gang.preempted = attempt.planned_end() == v1::PLANNED_END_PREEMPTED;
    } else if (state != v1::JOB_STATE_UNKNOWN) {
      PastMoment began = run->began->moment;  // A copy: to look at it is not to believe it.
      gang.ends_by = LatestEnd(job.spec(), now - began.Age(*loop_->clock()));
    }
    gangs.push_back(std::move(gang));
  }
  return gangs;
}

absl::Status SchedulerImpl::CheckQuota(const v1::JobSpec& spec, const std::string& owner) const {
  absl::Status check = options_.quota.Check(
      owner, {{"queued", queue_.CountOf(owner) + CountInserting(owner)}}, {{"queued", 1}});
  if (!check.ok()) {
    return WithDetail(check, "QUOTA_QUEUED", "", "wait for some of your jobs, or cancel some");
  }
  options_.quota.MostNodes(owner, {}, spec, &check);
  return WithDetail(Annotate(check, absl::StrCat("job ", spec.name(), " could never start")),
                    "QUOTA_TOO_SMALL", "", "ask for less, or ask the operator for more");
}

int SchedulerImpl::CountInserting(const std::string& owner) const {
  const auto count = inserting_.find(owner);
  return count == inserting_.end() ? 0 : count->second;
}

int SchedulerImpl::HostsWithinQuota(const JobEntry& entry) const {
  const v1::Job& job = entry.record.job;
  Amounts used;
  for (const auto& [id, run] : runs_) {
    const v1::Job& other = jobs_.Find(id)->record.job;
    const bool counts = id != job.id() && other.status().owner() == job.status().owner() &&
                        HoldsDevices(other.status().state());
    if (counts) AddAmounts(AmountsOf(CurrentAttempt(other)->placement()), &used);
  }
  absl::Status why;
  return options_.quota.MostNodes(job.status().owner(), used, job.spec(), &why);
}

ClusterView SchedulerImpl::ViewNow() const {
  ClusterView view = nodes_.View();
  for (const auto& [id, run] : runs_) {
    const v1::Job& job = jobs_.Find(id)->record.job;
    if (!HoldsDevices(job.status().state())) continue;
    TakePlacement(CurrentAttempt(job)->placement(), &view);
  }
  return view;
}

}  // namespace muster
