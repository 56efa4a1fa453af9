// A job's way from its place to its start, and to its end.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/job/exit_result.h"
#include "glog/logging.h"
#include "scheduler/core/attempt_ranks.h"
#include "scheduler/core/failure_history.h"
#include "scheduler/core/first_cause.h"
#include "scheduler/core/job_state.h"
#include "scheduler/core/scheduler_impl.h"

namespace muster {
namespace {

absl::Duration TimeoutOf(const google::protobuf::Duration& timeout) {
  const absl::Duration duration = FromProtoDuration(timeout);
  return duration > absl::ZeroDuration() ? duration : absl::InfiniteDuration();
}

// No back-off is longer than the job's own, or this; whatever the time of day.
constexpr absl::Duration kMostFreeStartDelay = absl::Minutes(1);

int CountRunning(const v1::Attempt& attempt) {
  return static_cast<int>(std::count_if(
      attempt.ranks().begin(), attempt.ranks().end(),
      [](const v1::RankStatus& rank) { return rank.state() == v1::RANK_STATE_RUNNING; }));
}

}  // namespace

bool SchedulerImpl::Step(JobEntry* entry, JobEvent event, const std::string& reason) {
  v1::JobStatus* const status = entry->record.job.mutable_status();
  const std::optional<v1::JobState> next = NextJobState(status->state(), event);
  const int attempt = std::max(status->attempts_size() - 1, 0);
  if (!next.has_value()) {
    LOG(DFATAL) << "job=" << entry->record.job.id() << " attempt=" << attempt << " "
                << JobStateName(status->state()) << ": " << JobEventName(event)
                << " means nothing here";
    return false;
  }
  if (*next != status->state()) {
    LOG(INFO) << "job=" << entry->record.job.id() << " attempt=" << attempt << " "
              << JobStateName(status->state()) << "→" << JobStateName(*next)
              << (reason.empty() ? "" : ": ") << reason;
  }
  status->set_state(*next);
  status->set_reason(reason);
  return true;
}

JobEntry* SchedulerImpl::FindLive(const std::string& id) const {
  return runs_.count(id) == 0 ? nullptr : jobs_.Find(id);
}

// After a restart of the scheduler. What ran is believed to run until its nodes say otherwise.
void SchedulerImpl::ResumeJob(JobEntry* entry) {
  v1::Job& job = entry->record.job;
  Run* const run = (runs_[job.id()] = std::make_unique<Run>()).get();
  run->submitted = OnRecord(job.status().submit_time());
  if (job.status().state() == v1::JOB_STATE_RESERVING) {
    const v1::Attempt& attempt = *CurrentAttempt(job);
    for (const v1::NodePlacement& node : attempt.placement().nodes()) {
      v1::GangRef gang;
      gang.set_job_id(job.id());
      gang.set_attempt(attempt.number());
      gang.set_epoch(epoch_);
      releases_[node.node_id()].push_back(gang);
    }
    job.mutable_status()->mutable_attempts()->RemoveLast();
    Step(entry, JobEvent::kRefuse, "the scheduler was restarted");
    jobs_.Save(entry);
  }
  if (IsWaitingState(job.status().state())) {
    ArmQueueTimer(entry);
    ResumeStartWait(entry);
    const absl::Time start = FromTimestamp(job.status().next_start_time());
    const absl::Duration most =
        std::max(FromProtoDuration(job.spec().restart().max_delay()), kMostFreeStartDelay);
    return Enqueue(entry, std::clamp(start - Now(), absl::ZeroDuration(), most));
  }
  const v1::Attempt& attempt = *CurrentAttempt(job);
  run->began = OnRecord(attempt.start_time());
  std::vector<bool> started;
  for (int i = 0; i < attempt.placement().nodes_size(); ++i) {
    nodes_.Expect(attempt.placement().nodes(i));
    started.push_back(job.status().state() != v1::JOB_STATE_STARTING ||
                      NodeRanksStarted(attempt, i));
  }
  MakeGang(entry);
  runs_.at(job.id())->gang->Resume(job.spec(), attempt.placement(), started);
  if (job.status().state() == v1::JOB_STATE_STOPPING) {
    return OrderStop(job.id(), attempt.number());
  }
  ArmAttemptTimer(entry);
}

void SchedulerImpl::Place(JobEntry* entry, const GangPlan& plan, bool has_passed) {
  v1::Job& job = entry->record.job;
  Step(entry, JobEvent::kPlace, "");
  entry->record.stop_cause = StopCause::kNone;
  entry->record.stop_reason.clear();
  job.mutable_status()->clear_next_start_time();
  const v1::Attempt* const last = CurrentAttempt(static_cast<const v1::Job&>(job));
  const int number = last == nullptr ? 0 : last->number() + 1;
  AttemptBounds bounds;
  bounds.memory = options_.restart_limits.host_memory;
  BoundAttempts(bounds, Now(), &job);
  *job.mutable_status()->add_attempts() = MakeAttempt(job.spec(), number, plan.placement);
  *CurrentAttempt(&job)->mutable_start_time() = ToTimestamp(Now());
  CurrentAttempt(&job)->set_has_passed(has_passed);
  job.mutable_status()->clear_wait_since();
  runs_.at(job.id())->began = Since{PastMoment(*loop_->clock())};
  MakeGang(entry);
  ArmAttemptTimer(entry);
  jobs_.Save(entry);  // Not waited for: a reservation that nobody remembers lapses.
  runs_.at(job.id())->gang->Reserve(plan, options_.reserve_ttl);
}

void SchedulerImpl::MakeGang(JobEntry* entry) {
  const std::string id = entry->record.job.id();
  runs_.at(id)->stop_seen.reset();
  PastMoment began = runs_.at(id)->began->moment;  // A copy: to look at it is not to believe it.
  const absl::Duration age = began.Age(*loop_->clock());
  runs_.at(id)->growth = {loop_->clock()->Boot() + ElasticTimeout(entry->record.job.spec()) - age,
                          std::nullopt};
  v1::GangRef gang;
  gang.set_job_id(id);
  gang.set_attempt(CurrentAttempt(entry->record.job)->number());
  gang.set_epoch(epoch_);
  GangTracker::Events events;
  events.on_reserved = [this, id](const v1::Placement& placement) {
    if (JobEntry* const live = FindLive(id)) OnReserved(live, placement);
  };
  events.on_refused = [this, id](const absl::Status& status) {
    if (JobEntry* const live = FindLive(id)) OnRefused(live, status);
  };
  events.on_never_started = [this, id](int node, const absl::Status& status) {
    if (JobEntry* const live = FindLive(id)) OnNeverStarted(live, node, status);
  };
  events.on_forgotten = [this, id](int node) {
    JobEntry* const live = FindLive(id);
    if (live == nullptr) return;
    LoseGang(live, node, /*rebooted=*/false);
    Evaluate(live);
  };
  events.on_restart_refused = [this, id](int, const std::string& role, int rank,
                                         const absl::Status& status) {
    JobEntry* const live = FindLive(id);
    if (live == nullptr) return;
    LOG(WARNING) << "job=" << id << " " << RankLabel(role, rank)
                 << " is not started again: " << status.message();
    Run* const run = runs_.at(id).get();
    run->restarting.erase({role, rank});
    run->exhausted.insert({role, rank});
    Evaluate(live);
  };
  runs_.at(id)->gang = std::make_unique<GangTracker>(
      loop_, gang, [this](const std::string& node_id) { return nodes_.ChannelOf(node_id); },
      std::move(events));
}

void SchedulerImpl::OnReserved(JobEntry* entry, const v1::Placement& placement) {
  v1::Job& job = entry->record.job;
  if (job.status().state() != v1::JOB_STATE_RESERVING) return;  // Cancelled meanwhile.
  Step(entry, JobEvent::kReserve, "");
  *CurrentAttempt(&job)->mutable_placement() = placement;
  for (v1::RankStatus& rank : *CurrentAttempt(&job)->mutable_ranks()) {
    rank.set_state(v1::RANK_STATE_STARTING);
  }
  jobs_.Save(entry, [this, id = job.id()] {
    JobEntry* const live = FindLive(id);
    if (live == nullptr || live->record.job.status().state() != v1::JOB_STATE_STARTING) return;
    const v1::Job& ready = live->record.job;
    runs_.at(id)->gang->Start(ready.spec(), CurrentAttempt(ready)->placement());
  });
}

void SchedulerImpl::OnRefused(JobEntry* entry, const absl::Status& status) {
  v1::Job& job = entry->record.job;
  if (job.status().state() != v1::JOB_STATE_RESERVING) return;
  NoteRefusers(entry, /*mute=*/absl::IsDeadlineExceeded(status));
  job.mutable_status()->mutable_attempts()->RemoveLast();  // It never was.
  Step(entry, JobEvent::kRefuse, std::string(status.message()));
  DropGang(entry);
  ArmQueueTimer(entry);  // It may have come meanwhile.
  jobs_.Save(entry);
  Enqueue(entry, runs_.at(job.id())->refusals.Next());
}

void SchedulerImpl::OnNeverStarted(JobEntry* entry, int node, const absl::Status& status) {
  v1::Job& job = entry->record.job;
  v1::ExitResult exit = NotStarted(status.message());
  // Not the job's fault, unless the agent could not make sense of it.
  exit.set_stopped(!absl::IsInvalidArgument(status));
  EndRanks(node, v1::RANK_STATE_EXITED, exit, Now(), CurrentAttempt(&job));
  if (job.status().state() != v1::JOB_STATE_STOPPING) {
    // The others may not come to start theirs: then nothing else tells whose fault it was.
    v1::Attempt* const attempt = CurrentAttempt(&job);
    v1::FirstCause* const cause = attempt->mutable_first_cause();
    cause->set_node(attempt->placement().nodes(node).node_name());
    cause->set_reason(std::string(status.message()));
    cause->set_summary(cause->reason());
    *cause->mutable_time() = ToTimestamp(Now());
    return BeginStop(entry, StopCause::kStartFailed, std::string(status.message()));
  }
  Evaluate(entry);
}

SchedulerImpl::Since SchedulerImpl::OnRecord(const google::protobuf::Timestamp& time) {
  return {PastMoment::OnRecord(FromTimestamp(time)), /*on_record=*/true};
}

absl::Duration SchedulerImpl::LeftOf(absl::Duration limit, Since* since) const {
  const absl::Duration now = loop_->clock()->Boot();
  if (since->on_record && now < clock_set_at_) return clock_set_at_ - now;
  return limit - since->moment.Age(*loop_->clock());
}

void SchedulerImpl::ArmAttemptTimer(JobEntry* entry) {
  const v1::Job& job = entry->record.job;
  Run* const run = runs_.at(job.id()).get();
  loop_->Cancel(run->attempt_timer);
  run->attempt_timer = 0;
  const bool running = job.status().state() == v1::JOB_STATE_RUNNING ||
                       job.status().state() == v1::JOB_STATE_UNKNOWN;
  const v1::Timeouts& timeouts = job.spec().timeouts();
  const absl::Duration limit = TimeoutOf(running ? timeouts.run() : timeouts.start());
  if (limit == absl::InfiniteDuration()) return;
  run->attempt_timer = loop_->After(LeftOf(limit, &*run->began), [this, id = job.id(), limit] {
    JobEntry* const live = FindLive(id);
    if (live == nullptr) return;
    if (LeftOf(limit, &*runs_.at(id)->began) > absl::ZeroDuration()) return ArmAttemptTimer(live);
    OnAttemptTimer(live);
  });
}

void SchedulerImpl::OnAttemptTimer(JobEntry* entry) {
  const v1::Job& job = entry->record.job;
  const v1::Timeouts& timeouts = job.spec().timeouts();
  const v1::Attempt& attempt = *CurrentAttempt(job);
  switch (job.status().state()) {
    case v1::JOB_STATE_RESERVING:
      runs_.at(job.id())->gang->Release();
      return OnRefused(entry, absl::DeadlineExceededError("a node did not answer in time"));
    case v1::JOB_STATE_STARTING:
      return BeginStop(
          entry, StopCause::kStartTimeout,
          absl::StrCat("not started within timeouts.start of ",
                       absl::FormatDuration(FromProtoDuration(timeouts.start())), ": ",
                       CountRunning(attempt), " of ", attempt.ranks_size(), " ranks run"));
    case v1::JOB_STATE_RUNNING:
    case v1::JOB_STATE_UNKNOWN:
      return BeginStop(entry, StopCause::kRunTimeout,
                       absl::StrCat("ran longer than timeouts.run of ",
                                    absl::FormatDuration(FromProtoDuration(timeouts.run()))));
    default:
      return;
  }
}

void SchedulerImpl::Finish(JobEntry* entry, JobEvent event, const std::string& reason,
                           int exit_code, std::function<void()> durable) {
  v1::JobStatus* const status = entry->record.job.mutable_status();
  if (!Step(entry, event, reason)) return;
  *status->mutable_end_time() = ToTimestamp(Now());
  entry->ended = PastMoment(*loop_->clock());
  status->set_exit_code(exit_code);
  status->clear_next_start_time();
  queue_.Remove(entry->record.job.id());
  DropGang(entry);
  loop_->Cancel(runs_.at(entry->record.job.id())->queue_timer);
  runs_.erase(entry->record.job.id());
  jobs_.Save(entry, std::move(durable));
  SchedulePass();
}

void SchedulerImpl::DropGang(JobEntry* entry) {
  Run* const run = runs_.at(entry->record.job.id()).get();
  loop_->Cancel(run->attempt_timer);
  loop_->Cancel(run->stop_timer);
  loop_->Cancel(run->leftover_timer);
  run->leftover_timer = 0;
  for (const auto& [rank, timer] : run->rank_timers) loop_->Cancel(timer);
  run->rank_timers.clear();
  run->restarting.clear();
  run->exhausted.clear();
  if (run->gang == nullptr) return;
  run->gang->Abandon();
  // It may be the caller, further up the stack.
  abandoned_.push_back(std::move(run->gang));
  loop_->Post([this, alive = alive_] {
    if (*alive) abandoned_.clear();
  });
}

}  // namespace muster
