#include "agent/task/gang_runner.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/process/gang_record.h"
#include "agent/shim/log_format.h"
#include "agent/task/start_request.h"
#include "common/base/failpoint.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/base/unique_fd.h"
#include "common/job/exit_result.h"
#include "glog/logging.h"

namespace muster {
namespace {

constexpr absl::Duration kCgroupFirstTry = absl::Milliseconds(1);
constexpr absl::Duration kCgroupLastTry = absl::Seconds(30);
constexpr absl::Duration kSettleAgain = absl::Minutes(1);
constexpr absl::Duration kSteady = absl::Seconds(10);  // A shim that lived so long works.

// Whether a shim has ever taken this gang up; before that, nothing of it has run.
bool HasBegun(const GangDir& dir) { return PathExists(JoinPath(dir.path(), kExitsFile)); }

// Whether the exit journal says nothing of any rank.
bool RecordIsEmpty(const GangDir& dir) {
  const absl::StatusOr<GangRecord> record = ReadGangRecord(dir.path());
  if (!record.ok()) return absl::IsNotFound(record.status());
  return !record->finished && record->exits.empty() && record->running.empty();
}

}  // namespace

GangRunner::GangRunner(const Host* host, const GangDir& dir, const v1::StartGangRequest& request,
                       Events events)
    : host_(host),
      dir_(dir),
      request_(request),
      events_(std::move(events)),
      cgroup_(host->cgroups->Name(request.gang().job_id(), request.gang().attempt(),
                                  CgroupLimitsOf(request.spec()))),
      command_{host->shim_path, dir.path(), cgroup_.shim},
      ranks_(request, host->node_name),
      logs_(dir.path(), ranks_.size(), [this](int index, bool is_stderr, bool on) {
        if (client_ != nullptr) client_->Subscribe(index, is_stderr, on);
      }) {
  report_.set_job_id(request.gang().job_id());
  report_.set_attempt(request.gang().attempt());
  report_.set_sequence(host->first_sequence);
  ranks_.Fill(&report_);
}

GangRunner::~GangRunner() { *alive_ = false; }

void GangRunner::Start(const absl::StatusOr<HostGangPlan>& plan, Done done) {
  DCHECK(host_->loop->OnLoop());
  phase_ = Phase::kPreparing;
  starts_.push_back(std::move(done));
  absl::StatusOr<HostGangPlan> complete = plan;
  if (complete.ok()) {
    complete->shim.ranks_cgroup = cgroup_.ranks;
    complete->shim.v1_cgroups = cgroup_.v1;
    logs_.SetPlan(complete->shim);
  }
  auto planned = std::make_shared<absl::Status>();
  Intent intent{request_, host_->boot_id, host_->loop->clock()->Boot()};
  auto write = [dir = dir_, durable = host_->durable, complete = std::move(complete),
                intent = std::move(intent), planned]() -> absl::StatusOr<std::vector<std::string>> {
    Failpoint("agent.before_intent");
    MUSTER_ASSIGN_OR_RETURN(std::vector<std::string> made, dir.Create());
    // The plan before the intent: whoever finds an intent finds the plan, or knows why not.
    *planned = complete.ok() ? WriteGangPlan(*complete) : complete.status();
    MUSTER_RETURN_IF_ERROR(dir.WriteIntent(intent, durable));
    return made;
  };
  host_->disk->RunDurably(std::move(write),
                          [this, alive = alive_, planned](const absl::Status& status) {
                            if (*alive) OnPrepared(status, *planned);
                          });
}

void GangRunner::OnPrepared(const absl::Status& intent, const absl::Status& plan) {
  start_status_ = Annotate(intent, "the intent to start the gang cannot be recorded");
  phase_ = intent.ok() ? Phase::kRunning : Phase::kRefused;
  if (intent.ok()) {
    Failpoint("agent.after_intent");
    MarkChanged();
  }
  // A caller may start anew at once, in place of this one.
  const std::shared_ptr<bool> alive = alive_;
  const absl::Status answer = start_status_;
  for (const Done& done : std::exchange(starts_, {})) done(answer);
  if (!*alive) return;
  if (!intent.ok()) {
    host_->disk->Run([dir = dir_] { return dir.Remove(); }, nullptr);
  } else if (!plan.ok()) {
    EndUnstarted(std::string(plan.message()));
  } else if (stop_.has_value()) {
    EndUnstarted("stopped before its start");
  } else {
    const absl::Status status = Spawn();
    if (!status.ok()) EndUnstarted(std::string(status.message()));
  }
}

void GangRunner::StartAgain(Done done) {
  if (phase_ == Phase::kPreparing) {
    starts_.push_back(std::move(done));
    return;
  }
  Post([this, done = std::move(done)] { done(start_status_); });
}

absl::Status GangRunner::Spawn() {
  MUSTER_RETURN_IF_ERROR(host_->cgroups->Create(cgroup_, CgroupLimitsOf(request_.spec())));
  absl::StatusOr<std::unique_ptr<ShimClient>> client =
      ShimClient::Spawn(command_, host_->loop, this);
  Failpoint("agent.after_spawn");
  if (client.ok()) {
    Use(*std::move(client));
    return absl::OkStatus();
  }
  if (!HasBegun(dir_)) return client.status();
  // It lives, or did: what it has done decides, not what it could not say.
  LOG(WARNING) << Tag() << " " << client.status().message();
  Post([this] { Reconnect(); });
  return absl::OkStatus();
}

void GangRunner::Use(std::unique_ptr<ShimClient> client) {
  client_ = std::move(client);
  connected_ = host_->loop->clock()->Boot();
  dead_.reset();
  if (stop_.has_value()) client_->Stop(*stop_);
  logs_.Resubscribe();
}

void GangRunner::OnStarted(int index, int restart, int pid, absl::Time when) {
  if (ranks_.Started(index, restart, pid, when)) MarkChanged();
}

void GangRunner::OnExit(const RankExit& exit) {
  if (!ranks_.Exited(exit)) return;
  // Whoever hears of the exit can read all that came before it.
  logs_.OnGrew(exit.index, /*is_stderr=*/false, exit.out_bytes);
  logs_.OnGrew(exit.index, /*is_stderr=*/true, exit.err_bytes);
  if (StopsGang(request_.spec()) && !Succeeded(ExitResultOf(exit))) ranks_.StopAll();
  MarkChanged();
}

void GangRunner::OnGrew(int index, bool is_stderr, int64_t length) {
  logs_.OnGrew(index, is_stderr, length);
}

void GangRunner::OnFinished() { Conclude(); }

void GangRunner::OnGone(const absl::Status& status) {
  if (phase_ != Phase::kRunning) return;
  LOG(WARNING) << Tag() << " msshim is gone: " << status.message();
  // Not from within the client's own call.
  Post([this, status] {
    dead_ = std::move(client_);
    // One that refuses the gang before it has a rank, or dies before it could have one, is no
    // reason for another try: the ranks have not started.
    const bool refused = absl::IsFailedPrecondition(status) && RecordIsEmpty(dir_);
    if ((refused || !HasBegun(dir_)) && !CgroupRoot::Populated(cgroup_)) {
      EndUnstarted(absl::StrCat("msshim: ", status.message()));
      return;
    }
    if (host_->loop->clock()->Boot() - connected_ >= kSteady) {
      hurried_ = false;
      backoff_.Reset();
    }
    // One whose successors die as well must not be replaced without end and pause.
    if (std::exchange(hurried_, true)) {
      ReconnectLater(status);
    } else {
      Reconnect();
    }
  });
}

void GangRunner::Reconnect() {
  if (phase_ != Phase::kRunning || client_ != nullptr) return;
  const absl::Status status = TryReconnect();
  if (!status.ok()) ReconnectLater(status);
}

void GangRunner::ReconnectLater(const absl::Status& why) {
  const absl::Duration delay = backoff_.Next();
  LOG(WARNING) << Tag() << " " << why.message() << "; next try in " << delay;
  host_->loop->Cancel(reconnect_);
  reconnect_ = After(delay, [this] { Reconnect(); });
  if (stop_.has_value()) EndRemains();
}

// A stop does not wait for a shim that may never come.
void GangRunner::EndRemains() {
  if (remains_ == nullptr) {
    absl::StatusOr<GangRecord> record = ReadGangRecord(dir_.path());
    remains_ = std::make_unique<GangRemains>(
        report_.job_id(), report_.attempt(), cgroup_,
        record.ok() ? std::move(record->running) : std::vector<RunningRank>(), host_->loop,
        [this] { OnRemainsGone(); });
  }
  remains_->Stop(*stop_);
}

void GangRunner::OnRemainsGone() {
  remains_.reset();
  if (phase_ != Phase::kRunning || client_ != nullptr)
    return;  // There is a shim again: it ends it.
  const absl::StatusOr<GangRecord> record = ReadGangRecord(dir_.path());
  if (record.ok()) {
    for (const RunningRank& rank : record->running) {
      ranks_.Started(rank.index, rank.restart, rank.pid, rank.wall);
    }
    for (const RankExit& exit : record->exits) ranks_.Exited(exit);
  }
  v1::ExitResult exit = UnknownExit(
      "nobody saw its exit: msshim had died and could not be replaced, so the agent ended the "
      "gang");
  exit.set_stopped(true);
  ranks_.EndRest(TaskEvent::kExitUnknown, exit);
  EndLogs();
  Finish("");
}

absl::Status GangRunner::TryReconnect() {
  absl::StatusOr<std::unique_ptr<ShimClient>> client =
      ShimClient::Connect(command_, host_->loop, this);
  if (absl::IsUnavailable(client.status())) {  // Nobody holds the lock.
    const absl::StatusOr<GangRecord> record = ReadGangRecord(dir_.path());
    if (record.ok() && record->finished) {
      Conclude();
      return absl::OkStatus();
    }
    client = ShimClient::Takeover(command_, &dead_, host_->loop, this);
    if (client.ok()) LOG(INFO) << Tag() << " a new msshim has taken over";
  }
  if (!client.ok()) return client.status();
  Use(*std::move(client));
  return absl::OkStatus();
}

void GangRunner::Recover(const FoundGang& found, const PlanMaker& make_plan) {
  acked_ = found.acked;
  stop_ = found.stop;
  phase_ = Phase::kRunning;
  GangEvidence evidence = Weigh(found);
  if (!evidence.reported && evidence.same_boot) {
    absl::StatusOr<std::unique_ptr<ShimClient>> client =
        ShimClient::Connect(command_, host_->loop, this);
    evidence.shim_lives = !absl::IsUnavailable(client.status());
    if (client.ok()) Use(*std::move(client));
  }
  const GangFate fate = Decide(evidence);
  if (fate != GangFate::kReported) LOG(INFO) << Tag() << " found: " << Name(fate);
  switch (fate) {
    case GangFate::kReported:
      phase_ = Phase::kEnded;
      settled_ = acked_.has_value();
      report_ = *found.report;
      ranks_.Load(report_);
      logs_.OnEnded({});
      RemoveCgroup();
      return;
    case GangFate::kAdopt:
    case GangFate::kTakeOver:
      if (client_ == nullptr) Reconnect();
      break;
    case GangFate::kConclude:
      Conclude();
      break;
    case GangFate::kLost:
      Lose();
      break;
    case GangFate::kStart:
      Start(make_plan(), [](const absl::Status&) {});
      break;
    case GangFate::kNotStarted:
      EndUnstarted(stop_.has_value() ? "stopped before its start"
                                     : "the agent died before the start, and came back too late");
      break;
  }
  MarkChanged();
}

GangEvidence GangRunner::Weigh(const FoundGang& found) const {
  GangEvidence evidence;
  evidence.reported = found.report.has_value() && found.report->finished() &&
                      RankStates(request_, host_->node_name).Load(*found.report);
  evidence.same_boot = found.intent.boot_id == host_->boot_id;
  evidence.begun = HasBegun(dir_);
  const absl::StatusOr<GangRecord> record = ReadGangRecord(dir_.path());
  evidence.finished = evidence.begun && record.ok() && record->finished;
  evidence.stop_taken = found.stop.has_value();
  evidence.intent_age = host_->loop->clock()->Boot() - found.intent.boottime;
  return evidence;
}

void GangRunner::Conclude() {
  const absl::StatusOr<GangRecord> record = ReadGangRecord(dir_.path());
  if (record.ok()) {
    for (const RankExit& exit : record->exits) ranks_.Exited(exit);
  } else {
    LOG(ERROR) << Tag() << " " << record.status().message();
  }
  ranks_.EndRest(TaskEvent::kExitUnknown, UnknownExit("its exit is not on record"));
  idle_ = AwaitsRestart();
  if (idle_) return MarkChanged();
  EndLogs();
  Finish("");
}

bool GangRunner::AwaitsRestart() const {
  if (!RestartsRanks(request_.spec()) || stop_.has_value()) return false;
  for (int i = 0; i < ranks_.size(); ++i) {
    const v1::ExitResult& exit = ranks_.status(i).exit();
    if (ranks_.state(i) == TaskState::kExited && !Succeeded(exit) && !exit.stopped()) return true;
  }
  return false;
}

void GangRunner::EndLogs() {
  absl::StatusOr<GangRecord> record = ReadGangRecord(dir_.path());
  logs_.OnEnded(record.ok() && record->finished ? std::move(record->lengths)
                                                : std::vector<std::pair<int64_t, int64_t>>());
}

void GangRunner::Lose() {
  const absl::StatusOr<GangRecord> record = ReadGangRecord(dir_.path());
  if (record.ok()) {
    for (const RankExit& exit : record->exits) ranks_.Exited(exit);
  }
  ranks_.EndRest(TaskEvent::kHostGone, UnknownExit("its host rebooted"));
  logs_.OnEnded({});
  Finish("");
}

void GangRunner::EndUnstarted(const std::string& why) {
  if (!CloseDoor()) {
    Reconnect();
    return;
  }
  ranks_.EndRest(TaskEvent::kSpawnFailed, NotStarted(why));
  logs_.OnEnded({});
  Finish(why);
}

// A shim that an earlier life of the agent has spawned may not have got as far as its lock. It
// reads the plan under the lock: once that is gone it can only refuse.
bool GangRunner::CloseDoor() {
  const UniqueFd lock(
      open(JoinPath(dir_.path(), kLockFile).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.valid() && flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return false;
  if (!RecordIsEmpty(dir_)) return false;
  unlink(dir_.plan_path().c_str());
  return true;
}

void GangRunner::Finish(const std::string& error) {
  if (phase_ == Phase::kEnded) return;
  phase_ = Phase::kEnded;
  remains_.reset();
  // At once and whole: a hello may take the report before MarkChanged() tells of it, and finished
  // without the exits would mean that they are lost.
  ranks_.Fill(&report_);
  report_.set_finished(true);
  report_.set_error(error);
  LOG(INFO) << Tag() << " finished" << (error.empty() ? "" : ": ") << error;
  events_.on_finished();
  MarkChanged();
  RemoveCgroupSoon(kCgroupFirstTry);
}

absl::Status GangRunner::Stop(absl::Duration grace, absl::string_view reason) {
  if (phase_ == Phase::kEnded || phase_ == Phase::kRefused) return absl::OkStatus();
  LOG(INFO) << Tag() << " stop, grace " << grace << ": " << reason;
  // On record before it is answered: a later life of the agent must not start what was stopped.
  // Before the intent there is no directory for it, and the record follows the intent.
  if (!stop_.has_value() && phase_ == Phase::kRunning) {
    const absl::Status recorded = dir_.WriteStop(grace);
    // A disk that the gang itself has filled must not keep it alive; what has begun is never
    // started anew, with or without the record.
    if (!recorded.ok() && client_ == nullptr && !HasBegun(dir_)) return recorded;
    if (!recorded.ok()) LOG(WARNING) << Tag() << " stop: " << recorded.message();
  } else if (!stop_.has_value()) {
    host_->disk->Run([dir = dir_, grace] { return dir.WriteStop(grace); }, nullptr);
  }
  stop_ = grace;
  if (idle_) {
    idle_ = false;
    EndLogs();
    Finish("");
    return absl::OkStatus();
  }
  if (ranks_.StopAll()) MarkChanged();
  if (client_ != nullptr) {
    client_->Stop(grace);
  } else if (phase_ == Phase::kRunning) {
    Reconnect();
  }
  return absl::OkStatus();
}

absl::Status GangRunner::RestartRank(const std::string& role, int rank, int restart) {
  const int index = ranks_.Find(role, rank);
  const std::string label = RankLabel(role, rank);
  if (index < 0) return absl::NotFoundError(absl::StrCat(label, ": not on this host"));
  if (restart <= ranks_.status(index).restarts()) return absl::OkStatus();  // Asked again.
  if (phase_ == Phase::kEnded || stop_.has_value()) {
    return absl::FailedPreconditionError(
        absl::StrCat(label, ": its gang has ended or is being stopped; start a new attempt"));
  }
  if (!IsFinal(ranks_.state(index))) {
    return absl::FailedPreconditionError(absl::StrCat(label, ": it has not ended"));
  }
  if (client_ == nullptr && idle_) {
    // Ended before this life of the agent: a shim without ranks takes up the record.
    absl::StatusOr<std::unique_ptr<ShimClient>> client =
        ShimClient::Takeover(command_, /*dead=*/nullptr, host_->loop, this);
    if (!client.ok()) return Annotate(client.status(), label);
    Use(*std::move(client));
  }
  if (client_ == nullptr) {
    return absl::UnavailableError(absl::StrCat(label, ": msshim is being replaced, try again"));
  }
  idle_ = false;
  ranks_.Restart(index, restart);
  client_->RestartRank(index, restart);
  MarkChanged();
  return absl::OkStatus();
}

void GangRunner::Acknowledge(int64_t sequence) {
  if (!finished() || sequence < report_.sequence() || acked_.has_value()) return;
  acked_ = host_->loop->clock()->Wall();
  Settle();
}

void GangRunner::Settle() {
  // The report again, for the disk may have been full when it was made; and before the rest: who
  // finds the one finds the other.
  auto write = [dir = dir_, report = report_]() -> absl::Status {
    MUSTER_RETURN_IF_ERROR(dir.WriteReport(report));
    return dir.WriteAcked();
  };
  host_->disk->Run(std::move(write), [this, alive = alive_](const absl::Status& status) {
    if (!*alive) return;
    settled_ = status.ok();
    if (settled_) return;
    LOG(WARNING) << Tag() << " its end is not on disk, next try in " << kSettleAgain << ": "
                 << status.message();
    After(kSettleAgain, [this] { Settle(); });
  });
}

absl::StatusOr<OutputLog*> GangRunner::FindOutput(const std::string& role, int rank,
                                                  bool is_stderr) {
  const int index = ranks_.Find(role, rank);
  if (index < 0) {
    return absl::NotFoundError(absl::StrCat(RankLabel(role, rank), ": not on this host"));
  }
  return logs_.Find(index, is_stderr);
}

bool GangRunner::RemoveCgroup() {
  return phase_ != Phase::kEnded || !absl::IsFailedPrecondition(CgroupRoot::Remove(cgroup_));
}

void GangRunner::RemoveCgroupSoon(absl::Duration delay) {
  // The shim is the last to leave, some milliseconds from now.
  After(delay, [this, delay] {
    if (RemoveCgroup()) {
      client_.reset();
      return;
    }
    if (delay > kCgroupLastTry) {
      LOG(WARNING) << Tag() << " cgroup " << cgroup_.dir << " does not become empty";
      return;
    }
    RemoveCgroupSoon(2 * delay);
  });
}

void GangRunner::MarkChanged() {
  if (std::exchange(changed_, true)) return;
  Post([this] {
    changed_ = false;
    if (refused() || preparing()) return;
    ranks_.Fill(&report_);
    report_.set_sequence(report_.sequence() + 1);
    if (!finished()) return Tell();
    // Saves the next life of the agent the work of finding out again. Where nothing has run, the
    // report is the only record of that: it comes first.
    auto write = [dir = dir_, report = report_] { return dir.WriteReport(report); };
    if (HasBegun(dir_)) {
      host_->disk->Run(std::move(write), nullptr);
      return Tell();
    }
    host_->disk->Run(std::move(write), [this, alive = alive_](const absl::Status& written) {
      if (!*alive) return;
      if (!written.ok()) LOG(WARNING) << Tag() << " report: " << written.message();
      Tell();
    });
  });
}

void GangRunner::Tell() {
  Failpoint("agent.before_report");
  events_.on_report(report_);
}

void GangRunner::Post(std::function<void()> task) {
  host_->loop->Post([alive = alive_, task = std::move(task)] {
    if (*alive) task();
  });
}

EventLoop::TimerId GangRunner::After(absl::Duration delay, std::function<void()> task) {
  return host_->loop->After(delay, [alive = alive_, task = std::move(task)] {
    if (*alive) task();
  });
}

std::string GangRunner::Tag() const {
  return absl::StrCat("job=", report_.job_id(), " attempt=", report_.attempt());
}

}  // namespace muster
