#include "agent/task/set_aside.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "agent/process/gang_record.h"
#include "agent/process/shim_process.h"
#include "agent/shim/codec.h"
#include "agent/shim/fd_socket.h"
#include "agent/shim/frame.h"
#include "agent/shim/kernel.h"
#include "agent/shim/log_format.h"
#include "agent/task/rank_table.h"
#include "common/base/fs.h"
#include "common/base/unique_fd.h"
#include "glog/logging.h"

namespace muster {
namespace {

constexpr absl::Duration kLookInterval = absl::Milliseconds(500);
// Until an msshim without ranks counts as one that hangs, as gang_runner has it.
constexpr absl::Duration kEndPatience = absl::Seconds(10);

std::string LeaseFrame(const NodeLease& lease) {
  Encoder out;
  out.I64(lease.epoch);
  out.I64(LeaseEndNs(lease.until));
  out.I64(absl::ToInt64Milliseconds(lease.grace));
  return EncodeFrame(FrameType::kLease, out.Take());
}

// What cannot be read may be fenced: that is safe.
bool PlanKeepsFence(const GangDir& dir) {
  const absl::StatusOr<ShimPlan> plan = ReadGangPlan(dir.path());
  return !plan.ok() || plan->fence_until_ns != 0;
}

}  // namespace

bool ShimLives(const GangDir& dir) {
  const UniqueFd lock(open(JoinPath(dir.path(), kLockFile).c_str(), O_RDWR | O_CLOEXEC));
  return lock.valid() && flock(lock.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

SetAside::SetAside(const GangDir& dir, const GangCgroup& cgroup, std::optional<bool> keeps_fence,
                   int64_t sequence, EventLoop* loop, Tell tell)
    : dir_(dir),
      cgroup_(cgroup),
      keeps_fence_(keeps_fence.has_value() ? *keeps_fence : PlanKeepsFence(dir)),
      loop_(loop),
      tell_(std::move(tell)) {
  report_.set_job_id(dir.job_id());
  report_.set_attempt(dir.attempt());
  report_.set_sequence(sequence + 1);
  look_ = loop_->After(kLookInterval, [this] { Look(); });
}

SetAside::~SetAside() { loop_->Cancel(look_); }

void SetAside::Stop(absl::Duration grace) {
  if (report_.finished()) return;
  if (remains_ == nullptr) {
    absl::StatusOr<GangRecord> record = ReadGangRecord(dir_.path());
    remains_ = std::make_unique<GangRemains>(
        report_.job_id(), report_.attempt(), cgroup_,
        record.ok() ? std::move(record->running) : std::vector<RunningRank>(), loop_,
        [this] { remains_gone_ = true; });  // Look() ends it, once msshim has recorded the exits.
  }
  remains_gone_ = false;
  remains_->Stop(grace);
}

void SetAside::StopWithoutShim(absl::Duration grace) {
  stop_without_shim_ = grace;
  if (!ShimLives(dir_)) Stop(grace);
}

void SetAside::KeepLease(const NodeLease& lease) {
  if (!keeps_fence_ || report_.finished()) return;
  const std::string frame = LeaseFrame(lease);
  for (const bool fresh : {false, true}) {  // The shim may have another connection, or be another.
    if (fresh) {
      const UniqueFd dir(open(dir_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      shim_ = ConnectIn(dir.get(), kSocketFile);
    }
    if (!shim_.valid()) continue;
    const ssize_t sent = SendWithFds(shim_.get(), frame.data(), frame.size(), {});
    if (sent == static_cast<ssize_t>(frame.size())) return;
    shim_.reset();
  }
}

void SetAside::Fence(absl::Duration grace) {
  if (!keeps_fence_ || report_.finished()) return;
  report_.set_fenced(true);
  Stop(grace);
}

void SetAside::Look() {
  const bool shim = ShimLives(dir_);
  const bool remains = MayRemain(shim);
  if (!shim && !remains) return End();
  if (!shim && remains_ == nullptr && stop_without_shim_.has_value()) Stop(*stop_without_shim_);
  const absl::Duration now = loop_->clock()->Boot();
  if (remains_ == nullptr || remains) {
    idle_since_.reset();
  } else if (!idle_since_.has_value()) {
    idle_since_ = now;
  } else if (now - *idle_since_ >= kEndPatience) {
    KillShim();
  }
  look_ = loop_->After(kLookInterval, [this] { Look(); });
}

bool SetAside::MayRemain(bool shim_lives) const {
  if (remains_ == nullptr ? shim_lives : !remains_gone_) return true;
  return HasRemains(report_.job_id(), report_.attempt(), cgroup_);
}

void SetAside::KillShim() {
  const UniqueFd dir(open(dir_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const UniqueFd connection = ConnectIn(dir.get(), kSocketFile);
  const UniqueFd pidfd = connection.valid() ? ListenerOf(connection.get()) : UniqueFd();
  if (pidfd.valid()) PidfdSignal(pidfd.get(), SIGKILL);
}

void SetAside::End() {
  look_ = 0;
  remains_.reset();
  shim_.reset();
  CgroupRoot::Remove(cgroup_).IgnoreError();
  FillExits();
  report_.set_finished(true);
  report_.set_sequence(report_.sequence() + 1);
  LOG(WARNING) << "job=" << report_.job_id() << " attempt=" << report_.attempt()
               << " was set aside and has ended; exits known: " << report_.ranks_size();
  tell_(report_);
}

void SetAside::FillExits() {
  const absl::StatusOr<ShimPlan> plan = ReadGangPlan(dir_.path());
  const absl::StatusOr<GangRecord> record = ReadGangRecord(dir_.path());
  if (!plan.ok() || !record.ok()) return;
  for (const RankExit& exit : record->exits) {
    if (exit.index < 0 || static_cast<size_t>(exit.index) >= plan->ranks.size()) continue;
    const ShimRank& rank = plan->ranks[static_cast<size_t>(exit.index)];
    v1::RankStatus* const status = report_.add_ranks();
    status->set_role(rank.role);
    status->set_rank(rank.rank);
    status->set_state(exit.known || !exit.started ? v1::RANK_STATE_EXITED : v1::RANK_STATE_UNKNOWN);
    *status->mutable_exit() = ExitResultOf(exit);
    status->set_restarts(exit.restart);
    status->set_stdout_bytes(exit.out_bytes);
    status->set_stderr_bytes(exit.err_bytes);
    status->set_end_boottime_ns(exit.boottime_ns);
  }
}

bool SetAside::Acknowledge(int64_t sequence) {
  if (!report_.finished() || sequence < report_.sequence()) return false;
  const absl::Status moved = dir_.Quarantine();
  if (!moved.ok()) LOG(ERROR) << moved.message();
  return true;
}

}  // namespace muster
