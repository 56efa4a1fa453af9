#include "agent/process/shim_client.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/process/rank_descriptors.h"
#include "agent/process/shim_connection.h"
#include "agent/process/shim_process.h"
#include "agent/shim/codec.h"
#include "agent/shim/exit_journal.h"
#include "agent/shim/frame.h"
#include "agent/shim/kernel.h"
#include "common/base/unique_fd.h"
#include "glog/logging.h"

namespace muster {
namespace {

class ShimClientImpl : public ShimClient {
 public:
  ShimClientImpl(const ShimCommand& command, EventLoop* loop, ShimEvents* events)
      : command_(command),
        gang_dir_(command.gang_dir),
        loop_(loop),
        events_(events),
        connection_(
            loop, [this](const Frame& frame) { OnFrame(frame); },
            [this](const std::string& why) { OnEnd(why); }),
        descriptors_(loop, [this](int index, int restart, int wait_status) {
          TellReaped(index, restart, wait_status);
        }) {}
  ~ShimClientImpl() override { *alive_ = false; }

  absl::Status Start(bool takeover, ShimClientImpl* dead);
  absl::Status Attach();

  void Stop(absl::Duration grace) override;
  bool Listens() const override { return connection_.IsRead(); }
  void Kill() override;
  void RestartRank(int index, int restart) override;
  void SetLease(int64_t epoch, absl::Duration until, absl::Duration grace) override;
  void Subscribe(int index, bool is_stderr, bool on) override;

 private:
  void Use(ShimProcess shim);
  void SendLease();
  void Send(FrameType type, const Encoder& payload) { connection_.Send(type, payload.bytes()); }
  void TellReaped(int index, int restart, int wait_status);
  void SendStop(absl::Duration grace);
  void SendWants();

  void OnFrame(const Frame& frame);
  void OnRecord(const Frame& frame);
  void OnDescriptors(const Frame& frame);
  void OnFailed(const Frame& frame);
  void OnFinishedFrame();
  void OnEnd(const std::string& why);
  bool CatchUp();
  void Gone(const absl::Status& status);
  const ShimPlan* Plan();

  ShimCommand command_;  // Of the next shim; the program is that of the one that has said hello.
  const std::string gang_dir_;
  EventLoop* const loop_;
  ShimEvents* const events_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // An event may delete this object.

  ShimConnection connection_;
  UniqueFd shim_;  // The pidfd of the one at its other end.
  bool finished_ = false;
  RankDescriptors descriptors_;
  std::string lease_;  // The payload of the last kLease; empty: there was none.
  std::optional<absl::Duration> wanted_stop_;  // The grace of the last stop.
  std::map<int, int> wanted_restarts_;         // index → restart, until the shim has run it.
  std::set<std::pair<int, bool>> subscriptions_;
  std::set<std::pair<int, int>> told_exits_;  // (index, restart).
  std::optional<ShimPlan> plan_;
};

absl::Status ShimClientImpl::Start(bool takeover, ShimClientImpl* dead) {
  absl::StatusOr<ShimProcess> shim = StartShim(command_, takeover, loop_);
  if (!shim.ok()) return shim.status();
  Use(*std::move(shim));
  if (!takeover) return absl::OkStatus();
  if (dead != nullptr) descriptors_.TakeFrom(&dead->descriptors_);
  // Duplicates travel; we keep ours until the new shim has sent its own, for it may die too.
  connection_.SendDescriptors(descriptors_.All());
  descriptors_.AwaitExits();
  // After what the caller still asks for in this turn: the shim acts on that first.
  loop_->Post([this, alive = alive_] {
    if (!*alive) return;
    Send(FrameType::kAgentHello, Encoder());
  });
  return absl::OkStatus();
}

absl::Status ShimClientImpl::Attach() {
  absl::StatusOr<ShimProcess> shim = ConnectToShim(gang_dir_);
  if (!shim.ok()) return shim.status();
  Use(*std::move(shim));
  return absl::OkStatus();
}

void ShimClientImpl::Use(ShimProcess shim) {
  connection_.Open(std::move(shim.socket));
  shim_ = std::move(shim.pidfd);
}

void ShimClientImpl::Kill() {
  DCHECK(loop_->OnLoop());
  if (!shim_.valid() || PidfdSignal(shim_.get(), SIGKILL) != 0) {
    LOG(ERROR) << gang_dir_ << ": its msshim hangs and cannot be killed: " << strerror(errno);
  }
}

void ShimClientImpl::TellReaped(int index, int restart, int wait_status) {
  Encoder out;
  out.I32(index);
  out.I32(restart);
  out.I32(wait_status);
  Send(FrameType::kReaped, out);
}

void ShimClientImpl::Stop(absl::Duration grace) {
  DCHECK(loop_->OnLoop());
  wanted_restarts_.clear();
  wanted_stop_ = grace;
  SendStop(grace);
}

void ShimClientImpl::SendStop(absl::Duration grace) {
  Encoder out;
  out.I64(absl::ToInt64Milliseconds(grace));
  Send(FrameType::kStop, out);
}

void ShimClientImpl::RestartRank(int index, int restart) {
  DCHECK(loop_->OnLoop());
  if (told_exits_.count({index, restart}) > 0) return;
  int& wanted = wanted_restarts_[index];
  wanted = std::max(wanted, restart);
  if (finished_) {
    finished_ = false;
    const absl::Status started = Start(/*takeover=*/true, nullptr);
    if (!started.ok()) {
      // Not from within the caller's own call.
      loop_->Post([this, alive = alive_, started] {
        if (*alive) Gone(started);
      });
      return;
    }
    SendWants();
    return;
  }
  Encoder out;
  out.I32(index);
  out.I32(restart);
  Send(FrameType::kRestart, out);
}

void ShimClientImpl::SetLease(int64_t epoch, absl::Duration until, absl::Duration grace) {
  DCHECK(loop_->OnLoop());
  Encoder out;
  out.I64(epoch);
  out.I64(until == absl::InfiniteDuration() ? 0 : absl::ToInt64Nanoseconds(until));
  out.I64(absl::ToInt64Milliseconds(grace));
  lease_ = out.Take();
  SendLease();
}

void ShimClientImpl::SendLease() {
  if (!lease_.empty()) connection_.Send(FrameType::kLease, lease_);
}

void ShimClientImpl::Subscribe(int index, bool is_stderr, bool on) {
  DCHECK(loop_->OnLoop());
  if (on) {
    subscriptions_.insert({index, is_stderr});
  } else {
    subscriptions_.erase({index, is_stderr});
  }
  Encoder out;
  out.I32(index);
  out.Bool(is_stderr);
  out.Bool(on);
  Send(FrameType::kSubscribe, out);
}

// To a shim that knows nothing of this client yet.
void ShimClientImpl::SendWants() {
  SendLease();
  if (wanted_stop_.has_value()) SendStop(*wanted_stop_);
  for (const auto& [index, restart] : wanted_restarts_) {
    Encoder out;
    out.I32(index);
    out.I32(restart);
    Send(FrameType::kRestart, out);
  }
  for (const auto& [index, is_stderr] : subscriptions_) {
    Encoder out;
    out.I32(index);
    out.Bool(is_stderr);
    out.Bool(true);
    Send(FrameType::kSubscribe, out);
  }
}

void ShimClientImpl::OnFrame(const Frame& frame) {
  Decoder in(frame.payload);
  switch (frame.type) {
    case FrameType::kHello:
      in.I32();
      in.U32();
      // Restarts of ranks stay with the version that runs the gang. One that ends before it has
      // said so is followed by ours.
      if (const std::string program = in.Text(); in.ok() && !program.empty()) {
        command_.program = program;
      }
      break;
    case FrameType::kStarted:
    case FrameType::kExit:
      OnRecord(frame);
      break;
    case FrameType::kGrew: {
      const int index = in.I32();
      const bool is_stderr = in.Bool();
      const int64_t length = in.I64();
      if (in.ok()) events_->OnGrew(index, is_stderr, length);
      break;
    }
    case FrameType::kDescriptors:
      OnDescriptors(frame);
      break;
    case FrameType::kPipeClosed: {
      const int index = in.I32();
      const bool is_stderr = in.Bool();
      if (in.ok()) descriptors_.PipeClosed(index, is_stderr);
      break;
    }
    case FrameType::kFinished:
      OnFinishedFrame();
      break;
    case FrameType::kFailed:
      OnFailed(frame);
      break;
    default:
      break;  // Of a newer minor version.
  }
}

void ShimClientImpl::OnRecord(const Frame& frame) {
  JournalRecord record;
  if (frame.payload.size() < kJournalRecordSize ||
      !DecodeJournalRecord(frame.payload.data(), &record)) {
    return OnEnd("msshim sent a damaged record");
  }
  const auto wanted = wanted_restarts_.find(record.index);
  if (wanted != wanted_restarts_.end() && wanted->second <= record.restart) {
    wanted_restarts_.erase(wanted);
  }
  if (frame.type == FrameType::kStarted) {
    events_->OnStarted(record.index, record.restart, record.pid,
                       absl::FromUnixNanos(record.wall_ns));
    return;
  }
  descriptors_.Ended(record.index, record.restart);
  told_exits_.insert({record.index, record.restart});
  const bool explains = (record.flags & kNotStarted) != 0;
  events_->OnExit(MakeRankExit(record, explains ? Plan() : nullptr));
}

void ShimClientImpl::OnDescriptors(const Frame& frame) {
  const std::vector<NamedDescriptor> names = DecodeDescriptors(frame.payload);
  std::vector<UniqueFd> fds = connection_.TakeReceived(names.size());
  if (fds.size() < names.size()) {
    LOG_FIRST_N(WARNING, 1) << gang_dir_ << ": descriptors of the ranks were lost, raise the limit "
                            << "of open files; should msshim die, its exits cannot be learned";
    return;
  }
  for (size_t i = 0; i < names.size(); ++i) descriptors_.Keep(names[i], std::move(fds[i]));
}

void ShimClientImpl::OnFailed(const Frame& frame) {
  Decoder in(frame.payload);
  const auto failure = static_cast<ShimFailure>(in.U8());
  const std::string text = in.Text();
  // Another shim was there first, started by an agent that has died since: it is as good.
  if (failure == ShimFailure::kLocked && Attach().ok()) return SendWants();
  connection_.Close();
  Gone(absl::FailedPreconditionError(text));
}

void ShimClientImpl::OnFinishedFrame() {
  connection_.Close();
  descriptors_.Clear();
  if (!wanted_restarts_.empty()) {
    // Its end and our wish have crossed.
    const absl::Status started = Start(/*takeover=*/true, nullptr);
    if (!started.ok()) return Gone(started);
    return SendWants();
  }
  finished_ = true;
  events_->OnFinished();
}

void ShimClientImpl::OnEnd(const std::string& why) {
  connection_.Close();
  if (CatchUp()) return;
  Gone(absl::UnavailableError(absl::StrCat(gang_dir_, ": ", why)));
}

// The shim does not wait for a slow agent: its last words may be in the journal only.
bool ShimClientImpl::CatchUp() {
  const absl::StatusOr<GangRecord> record = ReadGangRecord(gang_dir_);
  if (!record.ok() || !record->finished) return false;
  const std::shared_ptr<bool> alive = alive_;
  for (const RankExit& exit : record->exits) {
    if (!told_exits_.insert({exit.index, exit.restart}).second) continue;
    events_->OnExit(exit);
    if (!*alive) return true;
  }
  for (size_t i = 0; i < record->lengths.size(); ++i) {
    const int index = static_cast<int>(i);
    events_->OnGrew(index, /*is_stderr=*/false, record->lengths[i].first);
    if (!*alive) return true;
    events_->OnGrew(index, /*is_stderr=*/true, record->lengths[i].second);
    if (!*alive) return true;
  }
  OnFinishedFrame();
  return true;
}

void ShimClientImpl::Gone(const absl::Status& status) {
  descriptors_.AwaitExits();
  events_->OnGone(status);
}

const ShimPlan* ShimClientImpl::Plan() {
  if (!plan_.has_value()) {
    absl::StatusOr<ShimPlan> plan = ReadGangPlan(gang_dir_);
    if (!plan.ok()) return nullptr;
    plan_ = *std::move(plan);
  }
  return &*plan_;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ShimClient>> ShimClient::Spawn(const ShimCommand& command,
                                                              EventLoop* loop, ShimEvents* events) {
  auto client = std::make_unique<ShimClientImpl>(command, loop, events);
  const absl::Status started = client->Start(/*takeover=*/false, nullptr);
  if (!started.ok()) return started;
  return client;
}

absl::StatusOr<std::unique_ptr<ShimClient>> ShimClient::Connect(const ShimCommand& command,
                                                                EventLoop* loop,
                                                                ShimEvents* events) {
  auto client = std::make_unique<ShimClientImpl>(command, loop, events);
  const absl::Status attached = client->Attach();
  if (!attached.ok()) return attached;
  return client;
}

absl::StatusOr<std::unique_ptr<ShimClient>> ShimClient::Takeover(const ShimCommand& command,
                                                                 std::unique_ptr<ShimClient>* dead,
                                                                 EventLoop* loop,
                                                                 ShimEvents* events) {
  auto* old = dead == nullptr ? nullptr : dynamic_cast<ShimClientImpl*>(dead->get());
  auto client = std::make_unique<ShimClientImpl>(command, loop, events);
  const absl::Status started = client->Start(/*takeover=*/true, old);
  if (!started.ok()) return started;
  if (dead != nullptr) dead->reset();
  return client;
}

}  // namespace muster
