// What a gang runner does when a shim, the agent or the host has died.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/process/gang_record.h"
#include "agent/shim/log_format.h"
#include "agent/task/gang_runner.h"
#include "agent/task/start_request.h"
#include "common/base/fs.h"
#include "common/base/unique_fd.h"
#include "common/job/exit_result.h"
#include "glog/logging.h"

namespace muster {
namespace {

// Until the agent does what a shim was told to do. It takes the shim milliseconds.
constexpr absl::Duration kStopPatience = absl::Milliseconds(500);
// Until a shim without ranks counts as one that hangs. It may wait 5 s for room on a full disk.
constexpr absl::Duration kEndPatience = absl::Seconds(10);
constexpr absl::Duration kSteady = absl::Seconds(10);  // A shim that lived so long works.

// Whether the exit journal says nothing of any rank.
bool RecordIsEmpty(const GangDir& dir) {
  const absl::StatusOr<GangRecord> record = ReadGangRecord(dir.path());
  if (!record.ok()) return absl::IsNotFound(record.status());
  return !record->finished && record->exits.empty() && record->running.empty();
}

}  // namespace

void GangRunner::OnGone(const absl::Status& status) {
  if (phase_ != Phase::kRunning) return;
  LOG(WARNING) << Tag() << " msshim is gone: " << status.message();
  // Not from within the client's own call.
  Post([this, status] {
    dead_ = std::move(client_);
    // One that refuses the gang before it has a rank, or dies before it could have one, is no
    // reason for another try: the ranks have not started.
    const bool refused = absl::IsFailedPrecondition(status) && RecordIsEmpty(dir_);
    if ((refused || !HasGangRecord(dir_.path())) && !CgroupRoot::Populated(cgroup_)) {
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
  if (stop_.has_value()) EndRemains(*stop_);
}

// A shim that hangs, frozen or on a disk that is gone, must not keep its ranks alive. One that has
// not even read the order has told nobody: then the ranks get their SIGTERM, and what is left of
// their grace, from here.
void GangRunner::StopShim(absl::Duration grace) {
  client_->Stop(grace);
  if (grace > kStopPatience) {
    After(kStopPatience, [this, grace] {
      if (phase_ != Phase::kRunning || client_ == nullptr || client_->Listens()) return;
      EndRemains(grace - kStopPatience);
    });
  }
  After(grace + kStopPatience, [this] {
    if (phase_ == Phase::kRunning) EndRemains(absl::ZeroDuration());
  });
}

// A stop does not wait for a shim that may never come.
void GangRunner::EndRemains(absl::Duration grace) {
  if (remains_ == nullptr) {
    absl::StatusOr<GangRecord> record = ReadGangRecord(dir_.path());
    remains_ = std::make_unique<GangRemains>(
        report_.job_id(), report_.attempt(), cgroup_,
        record.ok() ? std::move(record->running) : std::vector<RunningRank>(), host_->loop,
        [this] { OnRemainsGone(); });
  }
  ended_by_agent_ = true;
  remains_->Stop(grace);
}

void GangRunner::OnRemainsGone() {
  remains_.reset();
  if (phase_ != Phase::kRunning) return;
  if (client_ != nullptr) return KillShimUnlessItEnds();
  const absl::StatusOr<GangRecord> record = ReadGangRecord(dir_.path());
  if (record.ok()) {
    for (const RunningRank& rank : record->running) {
      ranks_.Started(rank.index, rank.restart, rank.pid, rank.wall);
    }
    for (const RankExit& exit : record->exits) TakeExit(exit);
  }
  v1::ExitResult exit = UnknownExit(
      "nobody saw its exit: msshim had died and could not be replaced, so the agent ended the "
      "gang");
  exit.set_stopped(true);
  ranks_.EndRest(TaskEvent::kExitUnknown, exit);
  EndLogs();
  Finish("");
}

// It has nothing left to do but to record the exits, and holds the lock of a gang that nobody else
// can end.
void GangRunner::KillShimUnlessItEnds() {
  After(kEndPatience, [this, connected = connected_] {
    if (phase_ != Phase::kRunning || client_ == nullptr || connected_ != connected) return;
    LOG(ERROR) << Tag() << " msshim hangs: it is killed, and another one takes over";
    client_->Kill();
  });
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
  on_record_ = true;
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
      if (stop_.has_value()) {
        EndStopped();
      } else {
        EndUnstarted("the agent died before the start, and came back too late");
      }
      break;
  }
  MarkChanged();
}

GangEvidence GangRunner::Weigh(const FoundGang& found) const {
  GangEvidence evidence;
  evidence.reported = found.report.has_value() && found.report->finished() &&
                      RankStates(request_, host_->node_name).Load(*found.report);
  evidence.same_boot = found.intent.boot_id == host_->boot_id;
  evidence.begun = HasGangRecord(dir_.path());
  const absl::StatusOr<GangRecord> record = ReadGangRecord(dir_.path());
  evidence.finished = evidence.begun && record.ok() && record->finished;
  evidence.stop_taken = found.stop.has_value();
  evidence.intent_age = host_->loop->clock()->Boot() - found.intent.boottime;
  return evidence;
}

void GangRunner::Conclude() {
  const absl::StatusOr<GangRecord> record = ReadGangRecord(dir_.path());
  if (record.ok()) {
    for (const RankExit& exit : record->exits) TakeExit(exit);
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
    for (const RankExit& exit : record->exits) TakeExit(exit);
  }
  ranks_.EndRest(TaskEvent::kHostGone, UnknownExit("its host rebooted"));
  logs_.OnEnded({});
  Finish("");
}

void GangRunner::EndUnstarted(const std::string& why) { EndBeforeStart(why, NotStarted(why)); }

void GangRunner::EndStopped() {
  const std::string why = "stopped before its start";
  v1::ExitResult exit = NotStarted(why);
  exit.set_stopped(true);
  EndBeforeStart(why, exit);
}

void GangRunner::EndBeforeStart(const std::string& why, const v1::ExitResult& exit) {
  if (!CloseDoor()) {
    Reconnect();
    return;
  }
  ranks_.EndRest(TaskEvent::kSpawnFailed, exit);
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

}  // namespace muster
