#include "agent/task/gang_runner.h"

#include <signal.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/process/gang_record.h"
#include "agent/shim/log_format.h"
#include "agent/task/error_file.h"
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
// Well within what the scheduler gives a host for the kill, scheduler/core/fence_time.h.
constexpr absl::Duration kFencePatience = absl::Milliseconds(500);

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
                intent = std::move(intent), planned,
                epoch = host_->epoch]() -> absl::StatusOr<std::vector<std::string>> {
    Failpoint("agent.before_intent");
    MUSTER_RETURN_IF_ERROR(epoch->Save(intent.request.gang().epoch()));
    MUSTER_ASSIGN_OR_RETURN(std::vector<std::string> made, dir.Create());
    Failpoint("agent.after_gang_dir");
    // The plan before the intent: whoever finds an intent finds the plan, or knows why not.
    *planned = complete.ok() ? WriteGangPlan(*complete) : complete.status();
    Failpoint("agent.after_plan");
    if (Planted("start_without_intent")) return made;
    MUSTER_RETURN_IF_ERROR(dir.WriteIntent(intent, durable && !Planted("skip_intent_fsync")));
    Failpoint("agent.before_intent_dir_sync");
    return made;
  };
  host_->disk->RunDurably(std::move(write),
                          [this, alive = alive_, planned](const absl::Status& status) {
                            if (*alive) OnPrepared(status, *planned);
                          });
}

void GangRunner::OnPrepared(const absl::Status& intent, const absl::Status& plan) {
  start_status_ = Annotate(intent, "the intent to start the gang cannot be recorded");
  phase_ = intent.ok() || on_record_ ? Phase::kRunning : Phase::kRefused;
  if (intent.ok()) {
    Failpoint("agent.after_intent");
    MarkChanged();
  }
  // A caller may start anew at once, in place of this one.
  const std::shared_ptr<bool> alive = alive_;
  const absl::Status answer = start_status_;
  for (const Done& done : std::exchange(starts_, {})) done(answer);
  if (!*alive) return;
  if (!intent.ok() && on_record_) {
    EndUnstarted(std::string(answer.message()));
  } else if (!intent.ok()) {
    host_->disk->Run([dir = dir_] { return dir.Remove(); }, nullptr);
  } else if (!plan.ok()) {
    EndUnstarted(std::string(plan.message()));
  } else if (stop_.has_value()) {
    EndStopped();
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
  Failpoint("agent.before_cgroup");
  MUSTER_RETURN_IF_ERROR(host_->cgroups->Create(cgroup_, CgroupLimitsOf(request_.spec())));
  Failpoint("agent.after_cgroup");
  absl::StatusOr<std::unique_ptr<ShimClient>> client =
      ShimClient::Spawn(command_, host_->loop, this);
  Failpoint("agent.after_spawn");
  if (client.ok()) {
    Use(*std::move(client));
    return absl::OkStatus();
  }
  if (!HasGangRecord(dir_.path())) return client.status();
  // It lives, or did: what it has done decides, not what it could not say.
  LOG(WARNING) << Tag() << " " << client.status().message();
  Post([this] { Reconnect(); });
  return absl::OkStatus();
}

void GangRunner::Use(std::unique_ptr<ShimClient> client) {
  client_ = std::move(client);
  connected_ = host_->loop->clock()->Boot();
  dead_.reset();
  KeepLease();
  if (stop_.has_value()) StopShim(*stop_);
  logs_.Resubscribe();
}

void GangRunner::OnStarted(int index, int restart, int pid, absl::Time when) {
  Failpoint("agent.after_started");
  if (ranks_.Started(index, restart, pid, when)) MarkChanged();
}

bool GangRunner::TakeExit(RankExit exit) {
  if (exit.started && exit.known && exit.code != 0 && !exit.stopped) {
    exit.message = ReadRankError(request_, dir_.path(), exit.index);
  }
  // Its msshim did not see who ended it.
  if (ended_by_agent_ && (exit.signal == SIGTERM || exit.signal == SIGKILL)) exit.stopped = true;
  return ranks_.Exited(exit);
}

void GangRunner::OnExit(const RankExit& exit) {
  if (!TakeExit(exit)) return;
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

void GangRunner::Finish(const std::string& error) {
  if (phase_ == Phase::kEnded) return;
  phase_ = Phase::kEnded;
  remains_.reset();
  // At once and whole: a hello may take the report before MarkChanged() tells of it, and finished
  // without the exits would mean that they are lost.
  ranks_.Fill(&report_);
  // An answer to what was told before does not count for this.
  report_.set_sequence(report_.sequence() + 1);
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
  if (!stop_.has_value() && (phase_ == Phase::kRunning || on_record_)) {
    const absl::Status recorded = dir_.WriteStop(grace);
    // A disk that the gang itself has filled must not keep it alive; what has begun is never
    // started anew, with or without the record.
    if (!recorded.ok() && client_ == nullptr && !HasGangRecord(dir_.path())) return recorded;
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
    StopShim(grace);
  } else if (phase_ == Phase::kRunning) {
    Reconnect();
  }
  return absl::OkStatus();
}

void GangRunner::KeepLease() {
  if (client_ == nullptr || !host_->lease.has_value() || !KeepsFence(request_.spec())) return;
  client_->SetLease(host_->lease->epoch, host_->lease->until, host_->lease->grace);
}

void GangRunner::Fence(absl::Duration grace) {
  if (!KeepsFence(request_.spec()) || finished() || phase_ == Phase::kRefused) return;
  NoteFence();
  const absl::Status stopped = Stop(grace, "the lease of this host has run out");
  // Its shim knows the lease as well.
  if (!stopped.ok()) LOG(ERROR) << Tag() << " fence: " << stopped.message();
  // Unless it hangs, on a disk that has gone with the network for one.
  After(grace + kFencePatience, [this] {
    if (phase_ == Phase::kRunning) EndRemains(absl::ZeroDuration());
  });
}

void GangRunner::NoteFence() { report_.set_fenced(KeepsFence(request_.spec())); }

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
  acked_ = PastMoment(*host_->loop->clock());
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
    if (HasGangRecord(dir_.path())) {
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
