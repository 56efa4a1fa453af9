// A job's way through its states.
#include <algorithm>
#include <csignal>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
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

absl::Duration TimeoutOf(const google::protobuf::Duration& timeout) {
  const absl::Duration duration = FromProtoDuration(timeout);
  return duration > absl::ZeroDuration() ? duration : absl::InfiniteDuration();
}

// Trailing attempts of which no rank ever ran.
int StartsWithoutRanks(const v1::Job& job) {
  int count = 0;
  for (int i = job.status().attempts_size() - 1; i >= 0; --i) {
    if (AnyRankStarted(job.status().attempts(i))) break;
    ++count;
  }
  return count;
}

std::vector<absl::Time> FailureTimes(const v1::Job& job) {
  std::vector<absl::Time> times;
  for (const v1::Attempt& attempt : job.status().attempts()) {
    if (AnyRankStarted(attempt)) times.push_back(FromTimestamp(attempt.end_time()));
  }
  return times;
}

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
  runs_[job.id()] = std::make_unique<Run>();
  ArmQueueTimer(entry);
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
    const absl::Time start = FromTimestamp(job.status().next_start_time());
    return Enqueue(entry, std::max(start - Now(), absl::ZeroDuration()));
  }
  const v1::Attempt& attempt = *CurrentAttempt(job);
  std::vector<bool> started;
  for (int i = 0; i < attempt.placement().nodes_size(); ++i) {
    nodes_.Expect(attempt.placement().nodes(i));
    started.push_back(job.status().state() != v1::JOB_STATE_STARTING ||
                      NodeRanksStarted(attempt, i));
  }
  MakeGang(entry);
  runs_.at(job.id())->gang->Resume(job.spec(), attempt.placement(), started);
  if (job.status().state() == v1::JOB_STATE_STOPPING) return OrderStop(job.id());
  ArmAttemptTimer(entry);
}

void SchedulerImpl::Enqueue(JobEntry* entry, absl::Duration delay) {
  JobQueue::Item item;
  item.job_id = entry->record.job.id();
  item.priority = entry->record.job.spec().priority();
  item.submit_ns = absl::ToUnixNanos(FromTimestamp(entry->record.job.status().submit_time()));
  item.spec = &entry->record.job.spec();
  item.not_before = loop_->clock()->Boot() + delay;
  queue_.Add(item);
  SchedulePass();
}

void SchedulerImpl::ArmQueueTimer(JobEntry* entry) {
  const v1::Job& job = entry->record.job;
  const absl::Duration limit = TimeoutOf(job.spec().timeouts().queue());
  if (limit == absl::InfiniteDuration() || job.status().attempts_size() > 0) return;
  const absl::Duration left = FromTimestamp(job.status().submit_time()) + limit - Now();
  runs_.at(job.id())->queue_timer = loop_->After(left, [this, id = job.id(), limit] {
    JobEntry* const late = FindLive(id);
    if (late == nullptr || !IsWaitingState(late->record.job.status().state())) return;
    if (late->record.job.status().attempts_size() > 0) return;
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
  for (const JobQueue::Decision& decision : queue_.Pass(ViewNow(), now)) {
    JobEntry* const entry = jobs_.Find(decision.job_id);
    if (decision.plan.ok()) {
      Place(entry, *decision.plan);
      continue;
    }
    v1::JobStatus* const status = entry->record.job.mutable_status();
    const std::string reason(decision.plan.status().message());
    if (status->state() == v1::JOB_STATE_QUEUED && status->reason() == reason) continue;
    Step(entry, JobEvent::kWait, reason);
    status->clear_next_start_time();
    jobs_.Save(entry);
  }
  loop_->Cancel(wake_timer_);
  const std::optional<absl::Duration> wake = queue_.NextWake(now);
  if (wake.has_value()) wake_timer_ = loop_->After(*wake - now, [this] { SchedulePass(); });
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

void SchedulerImpl::Place(JobEntry* entry, const GangPlan& plan) {
  v1::Job& job = entry->record.job;
  Step(entry, JobEvent::kPlace, "");
  entry->record.stop_cause = StopCause::kNone;
  entry->record.stop_reason.clear();
  job.mutable_status()->clear_next_start_time();
  const v1::Attempt* const last = CurrentAttempt(static_cast<const v1::Job&>(job));
  const int number = last == nullptr ? 0 : last->number() + 1;
  *job.mutable_status()->add_attempts() = MakeAttempt(job.spec(), number, plan.placement);
  *CurrentAttempt(&job)->mutable_start_time() = ToTimestamp(Now());
  MakeGang(entry);
  ArmAttemptTimer(entry);
  jobs_.Save(entry);  // Not waited for: a reservation that nobody remembers lapses.
  runs_.at(job.id())->gang->Reserve(plan, options_.reserve_ttl);
}

void SchedulerImpl::MakeGang(JobEntry* entry) {
  const std::string id = entry->record.job.id();
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
  events.on_restart_refused = [this, id](int, const std::string& role, int rank,
                                         const absl::Status& status) {
    JobEntry* const live = FindLive(id);
    if (live == nullptr) return;
    LOG(WARNING) << "job=" << id << " " << RankLabel(role, rank)
                 << " is not started again: " << status.message();
    Run* const run = runs_.at(id).get();
    run->restarting.erase({role, rank});
    run->rank_failures[{role, rank}].resize(
        static_cast<size_t>(live->record.job.spec().restart().max_restarts()) + 1, Now());
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
  job.mutable_status()->mutable_attempts()->RemoveLast();  // It never was.
  Step(entry, JobEvent::kRefuse, std::string(status.message()));
  DropGang(entry);
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
    return BeginStop(entry, StopCause::kStartFailed, std::string(status.message()));
  }
  Evaluate(entry);
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
  const absl::Time start = FromTimestamp(CurrentAttempt(job)->start_time());
  run->attempt_timer = loop_->After(start + limit - Now(), [this, id = job.id()] {
    if (JobEntry* const live = FindLive(id)) OnAttemptTimer(live);
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

// restart.scope: rank. Returns whether every failure so far is mended, or about to be.
bool SchedulerImpl::RestartFailedRanks(JobEntry* entry) {
  v1::Job& job = entry->record.job;
  const v1::RestartSpec& restart = job.spec().restart();
  if (restart.scope() != v1::RESTART_SCOPE_RANK || restart.max_restarts() == 0) return false;
  Run* const run = runs_.at(job.id()).get();
  bool any = false;
  for (const v1::RankStatus& rank : CurrentAttempt(job)->ranks()) {
    const std::pair<std::string, int> key(rank.role(), rank.rank());
    if (!RankEnded(rank)) {
      run->restarting.erase(key);
      continue;
    }
    const bool failed =
        rank.state() == v1::RANK_STATE_EXITED && !Succeeded(rank.exit()) && !rank.exit().stopped();
    if (!failed) continue;
    any = true;
    if (run->restarting.count(key) > 0) continue;
    std::vector<absl::Time>& failures = run->rank_failures[key];
    // After a restart of the scheduler the past is known as a number only.
    if (static_cast<int>(failures.size()) < rank.restarts()) {
      failures.resize(static_cast<size_t>(rank.restarts()), Now());
    }
    failures.push_back(Now());
    const bool may_help = rank.exit().how_case() != v1::ExitResult::kNotStarted;
    const std::optional<absl::Duration> delay =
        may_help ? RestartDelay(restart, failures, Now()) : std::nullopt;
    if (!delay.has_value()) return false;  // It ends the gang as any failure does.
    RestartRankLater(entry, rank, *delay);
  }
  return any;
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
  run->restarting.insert({role, number});
  entry->record.job.mutable_status()->set_restarts(entry->record.job.status().restarts() + 1);
  jobs_.Save(entry);
  run->rank_timers.push_back(loop_->After(delay, [this, id, node, role, number, restart] {
    JobEntry* const live = FindLive(id);
    if (live == nullptr || !runs_.at(id)->gang) return;
    if (runs_.at(id)->restarting.count({role, number}) == 0) return;
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
  jobs_.Save(entry, [this, id = job.id(), durable = std::move(durable)] {
    if (durable) durable();
    OrderStop(id);
  });
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
  const bool may_succeed = cause == StopCause::kNone || cause == StopCause::kSucceeded;
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
  if (AnyRankStarted(*CurrentAttempt(job))) {
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

void SchedulerImpl::Finish(JobEntry* entry, JobEvent event, const std::string& reason,
                           int exit_code, std::function<void()> durable) {
  v1::JobStatus* const status = entry->record.job.mutable_status();
  if (!Step(entry, event, reason)) return;
  *status->mutable_end_time() = ToTimestamp(Now());
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
  loop_->Cancel(run->leftover_timer);
  run->leftover_timer = 0;
  for (EventLoop::TimerId timer : run->rank_timers) loop_->Cancel(timer);
  run->rank_timers.clear();
  run->restarting.clear();
  run->rank_failures.clear();
  if (run->gang == nullptr) return;
  run->gang->Abandon();
  // It may be the caller, further up the stack.
  abandoned_.push_back(std::move(run->gang));
  loop_->Post([this, alive = alive_] {
    if (*alive) abandoned_.clear();
  });
}

}  // namespace muster
