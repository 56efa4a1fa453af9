#include "agent/shim/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "agent/shim/codec.h"
#include "agent/shim/kernel.h"
#include "common/base/failpoint.h"

namespace muster {
namespace {

constexpr size_t kSpawnsPerPoll = 8;  // Or a first failure goes unseen until the last rank started.
constexpr int64_t kStrangerLookNs = 5'000'000;
constexpr int64_t kRoomWaitNs = 5'000'000'000;  // For a full disk, after the last rank.
constexpr int64_t kRoomLookNs = 200'000'000;

}  // namespace

Supervisor::Supervisor(const Parts& parts, bool resume, const std::vector<JournalRecord>& recorded)
    : parts_(parts),
      plan_(*parts.plan),
      resume_(resume),
      slots_(parts.plan->ranks.size()),
      processes_(parts.plan,
                 resume ? GangProcesses::Kin::kEither : GangProcesses::Kin::kDescendants),
      spawner_(parts.plan),
      outputs_(parts.plan, parts.logs_dir, !resume, parts.poller),
      stopper_(parts.plan, &processes_, &slots_),
      fence_(parts.plan->epoch, parts.plan->fence_until_ns, parts.plan->fence_grace_ms) {
  outputs_.SetObservers(
      [this](int index, bool is_stderr, int64_t length) {
        if (parts_.link->backlogged()) return false;
        SendLength(index, is_stderr, length);
        return true;
      },
      [this](int index, bool is_stderr) {
        Encoder out;
        out.I32(index);
        out.Bool(is_stderr);
        parts_.link->Send(FrameType::kPipeClosed, out.bytes());
      });
  for (const JournalRecord& record : recorded) {
    if (static_cast<size_t>(record.index) >= slots_.size()) continue;
    RankSlot& slot = slots_[static_cast<size_t>(record.index)];
    if (record.kind == JournalKind::kStarted) {
      slot.state = RankSlot::State::kRunning;
      slot.is_child = false;
      slot.restart = record.restart;
      slot.pid = record.pid;
      slot.started = record;
      slot.has_started = true;
      slot.has_exit = false;
    } else if (record.kind == JournalKind::kExit) {
      if (record.restart != slot.restart) slot.has_started = false;
      slot.state = RankSlot::State::kEnded;
      slot.restart = record.restart;
      slot.exit = record;
      slot.has_exit = true;
    }
  }
  if (resume) outputs_.Recover();
  oom_kills_ = processes_.OomKills();
  parts_.poller->Add(parts.signals, EPOLLIN, {WatchKind::kSignals, 0});
  if (processes_.events_fd() >= 0) {
    parts_.poller->Add(processes_.events_fd(), EPOLLPRI, {WatchKind::kCgroup, 0});
  }
}

void Supervisor::Adopt(const NamedDescriptor& descriptor, UniqueFd fd) {
  const auto index = static_cast<size_t>(descriptor.index);
  if (index >= slots_.size()) return;
  RankSlot& slot = slots_[index];
  if (descriptor.kind != DescriptorKind::kPidfd) {
    outputs_.AdoptPipe(descriptor.index, descriptor.kind == DescriptorKind::kErr, std::move(fd));
  } else if (slot.state == RankSlot::State::kRunning && descriptor.restart == slot.restart) {
    slot.pidfd = std::move(fd);
  }
}

void Supervisor::AwaitAdoption() {
  constexpr int kWaitMs = 5000;
  while (parts_.link->connected() && parts_.link->WaitReadable(kWaitMs)) {
    const bool open = parts_.link->Receive();
    Frame frame;
    bool complete = false;
    while (parts_.link->Next(&frame)) {
      if (frame.type == FrameType::kAgentHello) {
        complete = true;
      } else if (frame.type == FrameType::kAdopt) {
        for (auto& [descriptor, fd] : parts_.link->TakeDescriptors(frame)) {
          Adopt(descriptor, std::move(fd));
        }
      } else {
        early_.push_back(frame);
      }
    }
    if (!open) parts_.link->Drop();
    if (complete) return;
  }
}

int Supervisor::Run() {
  Replay();
  if (resume_) {
    Resume();
  } else {
    SettleLease();
    starting_ = true;
    StartAll();
  }
  // What the agent has asked for already, a restart above all, comes before the end.
  for (const Frame& frame : std::exchange(early_, {})) OnFrame(frame);
  if (parts_.link->connected()) ReadAgent();
  running_ = true;
  KeepFence(BootNs());
  RunWantedRestarts();
  CommitFailedStarts();
  parts_.link->Flush();
  while (!MayFinish()) Round(Timeout());
  Finish();
  return 0;
}

void Supervisor::StartAll() {
  for (size_t index = 0; index < slots_.size(); ++index) {
    StartRank(index, 0);
    if ((index + 1) % kSpawnsPerPoll == 0 && !stopper_.stopping()) Round(0);
  }
  starting_ = false;
  gone_.insert(gone_.end(), deferred_.begin(), deferred_.end());
  deferred_.clear();
  CommitFailedStarts();
  CollectExits();
  outputs_.CreateEmptyFiles();
  Failpoint("shim.before_descriptors");
  SendNewDescriptors();
  parts_.link->Flush();
}

void Supervisor::SendNewDescriptors() {
  parts_.link->SendDescriptors(to_send_);
  to_send_.clear();
}

void Supervisor::StartRank(size_t index, int restart) {
  RankSlot& slot = slots_[index];
  slot = RankSlot();
  slot.restart = restart;
  if (stopper_.stopping()) return RecordStartFailure(index, StartStep::kGangStopped, 0, 0);
  if (restart > 0 && !parts_.journal->ReserveLife()) {
    return RecordStartFailure(index, StartStep::kJournal, errno, 0);
  }
  UniqueFd out;
  UniqueFd err;
  const int error = outputs_.OpenPipes(static_cast<int>(index), &out, &err);
  if (error != 0) return RecordStartFailure(index, StartStep::kPipes, error, 0);
  Failpoint("shim.before_spawn");
  RankSpawner::Result result = spawner_.Start(plan_.ranks[index], restart, out.get(), err.get());
  Failpoint("shim.after_spawn");
  if (result.step != StartStep::kNone) {
    return RecordStartFailure(index, result.step, result.error, result.detail);
  }
  slot.state = RankSlot::State::kRunning;
  slot.pid = result.pid;
  slot.pidfd = std::move(result.pidfd);
  slot.started.kind = JournalKind::kStarted;
  slot.started.index = static_cast<int32_t>(index);
  slot.started.restart = restart;
  slot.started.pid = slot.pid;
  slot.started.boottime_ns = BootNs();
  slot.started.wall_ns = WallNs();
  slot.has_started = true;
  if (!parts_.journal->Append(slot.started)) Die("the exit journal cannot be written");
  Failpoint("shim.after_started");
  parts_.poller->Add(slot.pidfd.get(), EPOLLIN | EPOLLONESHOT,
                     {WatchKind::kPidfd, static_cast<uint32_t>(index)});
  SendRecord(FrameType::kStarted, slot.started);
  AddDescriptors(index, &to_send_);
}

void Supervisor::RecordStartFailure(size_t index, StartStep step, int error, int detail) {
  JournalRecord exit;
  exit.kind = JournalKind::kExit;
  exit.flags = kNotStarted;
  if (step == StartStep::kNotRecorded) exit.flags |= kUnknown;
  if (step == StartStep::kGangStopped) exit.flags |= kStopped;
  exit.step = step;
  exit.index = static_cast<int32_t>(index);
  exit.restart = slots_[index].restart;
  exit.error = error;
  exit.code = detail;
  exit.boottime_ns = BootNs();
  exit.wall_ns = WallNs();
  exit.out_bytes = outputs_.length(exit.index, false);
  exit.err_bytes = outputs_.length(exit.index, true);
  slots_[index].state = RankSlot::State::kEnded;
  if (plan_.stop_gang) stopper_.Stop(plan_.stop_grace_ms, BootNs());
  failed_starts_.push_back(exit);
}

// Together: after the first failure all further ranks of the gang follow it.
void Supervisor::CommitFailedStarts() {
  if (!failed_starts_.empty()) Commit(std::exchange(failed_starts_, {}));
}

// The ranks are where they are; whatever has no record or no descriptor ends the gang.
void Supervisor::Resume() {
  bool whole = true;
  for (size_t index = 0; index < slots_.size(); ++index) {
    RankSlot& slot = slots_[index];
    if (slot.state == RankSlot::State::kEnded) continue;
    const bool had_all = slot.pidfd.valid();
    if (slot.state == RankSlot::State::kWaiting) {
      whole = false;
      RecordStartFailure(index, StartStep::kNotRecorded, 0, 0);
      continue;
    }
    if (!had_all) whole = false;
    if (!had_all && !AdoptByPid(&slot)) {
      slot.gone_since_ns = BootNs() - kStrangerWaitNs;  // Nobody to ask: unknown at once.
      gone_.push_back(index);
      continue;
    }
    parts_.poller->Add(slot.pidfd.get(), EPOLLIN | EPOLLONESHOT,
                       {WatchKind::kPidfd, static_cast<uint32_t>(index)});
    AddDescriptors(index, &to_send_);
  }
  if (!whole) stopper_.Stop(plan_.stop_grace_ms, BootNs());
  CommitFailedStarts();
  CollectExits();
  SendNewDescriptors();
  parts_.link->Flush();
}

// Nobody held its pidfd. Its number still is its own when it is a member of this gang.
bool Supervisor::AdoptByPid(RankSlot* slot) {
  UniqueFd pidfd(PidfdOpen(slot->pid));
  if (!pidfd.valid()) return false;
  const std::vector<pid_t> members = processes_.Members();
  if (std::find(members.begin(), members.end(), slot->pid) == members.end()) return false;
  slot->pidfd = std::move(pidfd);
  return true;
}

void Supervisor::RunWantedRestarts() {
  // What is still being stopped from the last life would take the new one with it.
  if (!restarts_wanted_ || (RanksEnded() && !stopper_.stopping() && !processes_.Empty())) return;
  restarts_wanted_ = false;
  if (RanksEnded()) stopper_.BeginAnew();
  for (size_t index = 0; index < slots_.size(); ++index) {
    const int restart = slots_[index].wanted_restart;
    if (restart > slots_[index].restart) StartRank(index, restart);
  }
  SendNewDescriptors();
}

void Supervisor::Round(int64_t timeout_ns) {
  const std::vector<Poller::Event> events = parts_.poller->Wait(timeout_ns);
  // First: what was frozen together with its host must not act before it knows what time it is.
  if (running_) KeepFence(BootNs());
  for (const Poller::Event& event : events) Dispatch(event);
  CommitFailedStarts();
  CollectExits();
  if (child_signal_) ReapAdopted();
  RunWantedRestarts();
  CommitFailedStarts();
  const int64_t now = BootNs();
  outputs_.OnTime(now);
  parts_.link->Flush();
}

int64_t Supervisor::Timeout() const {
  int64_t next = -1;
  const auto due = [&next](int64_t when) {
    if (when >= 0 && (next < 0 || when < next)) next = when;
  };
  due(outputs_.NextDeadlineNs());
  due(stopper_.NextDeadlineNs());
  due(fence_.NextDeadlineNs());
  const int64_t now = BootNs();
  for (const RankSlot& slot : slots_) {
    if (slot.state == RankSlot::State::kRunning && slot.gone_since_ns >= 0) {
      due(now + kStrangerLookNs);
    }
  }
  if (waiting_for_room_ns_ >= 0) due(now + kRoomLookNs);
  return next < 0 ? -1 : std::max<int64_t>(next - now, 0);
}

void Supervisor::Dispatch(const Poller::Event& event) {
  const auto index = static_cast<size_t>(event.watch.index);
  switch (event.watch.kind) {
    case WatchKind::kListener:
      if (parts_.link->Accept()) Replay();
      break;
    case WatchKind::kAgent:
      ReadAgent();
      break;
    case WatchKind::kSignals: {
      signalfd_siginfo info;
      while (read(parts_.signals, &info, sizeof(info)) > 0) {
      }
      child_signal_ = true;
      break;
    }
    case WatchKind::kCgroup: {
      // Reading is what arms the next notice; MayFinish() looks at the content.
      char buffer[128];
      if (pread(processes_.events_fd(), buffer, sizeof(buffer), 0) < 0) break;
      break;
    }
    case WatchKind::kPidfd:
      NoteGone(index);
      break;
    case WatchKind::kOut:
    case WatchKind::kErr:
      outputs_.OnReadable(static_cast<int>(index), event.watch.kind == WatchKind::kErr);
      break;
  }
}

bool Supervisor::RanksEnded() const {
  return std::all_of(slots_.begin(), slots_.end(),
                     [](const RankSlot& slot) { return slot.state == RankSlot::State::kEnded; });
}

bool Supervisor::MayFinish() {
  const int64_t now = BootNs();
  const bool ended = RanksEnded();
  const bool empty = ended && processes_.Empty();
  stopper_.OnTime(now, ended, empty);
  if (!empty || restarts_wanted_) return false;
  outputs_.DrainAll();
  if (outputs_.Done()) return true;
  // A pipe that is open although no process of the gang is left was given to somebody outside; one
  // that waits for room gets a last chance.
  if (waiting_for_room_ns_ < 0) waiting_for_room_ns_ = now;
  if (!outputs_.Blocked() || now - waiting_for_room_ns_ >= kRoomWaitNs) {
    outputs_.CloseAll();
    return true;
  }
  return false;
}

void Supervisor::Finish() {
  Failpoint("shim.before_finish");
  std::vector<JournalRecord> records;
  for (size_t i = 0; i < slots_.size(); ++i) {
    JournalRecord lengths;
    lengths.kind = JournalKind::kLengths;
    lengths.index = static_cast<int32_t>(i);
    lengths.out_bytes = outputs_.length(lengths.index, false);
    lengths.err_bytes = outputs_.length(lengths.index, true);
    records.push_back(lengths);
    SendLength(lengths.index, false, lengths.out_bytes);
    SendLength(lengths.index, true, lengths.err_bytes);
  }
  JournalRecord finished;
  finished.kind = JournalKind::kFinished;
  finished.boottime_ns = BootNs();
  finished.wall_ns = WallNs();
  records.push_back(finished);
  if (!parts_.journal->Append(records) || !parts_.journal->Sync()) {
    Die("the exit journal cannot be written");
  }
  parts_.link->Send(FrameType::kFinished, "");
  parts_.link->Flush();
}

void Supervisor::Die(const char* what) {
  const int error = errno;
  Encoder out;
  out.U8(static_cast<uint8_t>(ShimFailure::kOther));
  out.Text(std::string(what) + ": " + strerror(error));
  parts_.link->Send(FrameType::kFailed, out.bytes());
  parts_.link->Flush();
  _exit(1);
}

}  // namespace muster
