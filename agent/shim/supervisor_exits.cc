// The exits of the ranks: learned, journalled, then reaped and told, in this order.
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <utility>

#include "agent/shim/kernel.h"
#include "agent/shim/supervisor.h"
#include "common/base/failpoint.h"

namespace muster {
namespace {

bool Failed(const JournalRecord& exit) {
  return exit.code != 0 || exit.signal != 0 || (exit.flags & (kNotStarted | kUnknown)) != 0;
}

void SetStatus(int status, JournalRecord* exit) {
  if (WIFSIGNALED(status)) {
    exit->signal = WTERMSIG(status);
    if (WCOREDUMP(status)) exit->flags |= kCoreDumped;
  } else {
    exit->code = WEXITSTATUS(status);
  }
}

}  // namespace

void Supervisor::NoteGone(size_t index) {
  if (index < slots_.size() && slots_[index].state == RankSlot::State::kRunning &&
      std::find(gone_.begin(), gone_.end(), index) == gone_.end() &&
      std::find(deferred_.begin(), deferred_.end(), index) == deferred_.end()) {
    gone_.push_back(index);
  }
}

// All exits of a round: stop the others at the first failure, take the output to its present end,
// then one write and one fdatasync for all, then reap, then tell.
void Supervisor::CollectExits() {
  for (size_t index = 0; index < slots_.size() && resume_; ++index) {
    if (slots_[index].gone_since_ns >= 0) NoteGone(index);
  }
  if (gone_.empty()) return;
  std::vector<JournalRecord> exits;
  for (const size_t index : std::exchange(gone_, {})) {
    RankSlot& slot = slots_[index];
    if (slot.state != RankSlot::State::kRunning) continue;
    JournalRecord exit;
    exit.kind = JournalKind::kExit;
    exit.index = static_cast<int32_t>(index);
    exit.restart = slot.restart;
    exit.pid = slot.pid;
    if (!ReadExit(&slot, &exit)) continue;
    if (starting_ && !Failed(exit)) {
      deferred_.push_back(index);  // One fdatasync for all of these, after the last start.
      continue;
    }
    if (slot.stopped) exit.flags |= kStopped;
    exits.push_back(exit);
  }
  if (exits.empty()) return;
  if (plan_.stop_gang && !stopper_.stopping() && std::any_of(exits.begin(), exits.end(), Failed)) {
    // The failed ones are not running any more; signalling a zombie would mark it as stopped.
    for (const JournalRecord& exit : exits) {
      slots_[static_cast<size_t>(exit.index)].state = RankSlot::State::kEnded;
    }
    stopper_.Stop(plan_.stop_grace_ms, BootNs());
  }
  MarkOutOfMemory(&exits);
  for (JournalRecord& exit : exits) {
    outputs_.Drain(exit.index);
    exit.out_bytes = outputs_.length(exit.index, false);
    exit.err_bytes = outputs_.length(exit.index, true);
  }
  Commit(exits);
}

bool Supervisor::ReadExit(RankSlot* slot, JournalRecord* exit) {
  exit->boottime_ns = BootNs();
  exit->wall_ns = WallNs();
  if (!slot->is_child) return ReadStrangerExit(slot, exit);
  siginfo_t info = {};
  if (waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(slot->pidfd.get()), &info,
             WEXITED | WNOHANG | WNOWAIT) != 0) {
    exit->flags |= kUnknown;  // Cannot be: nobody else waits for our children.
    return true;
  }
  if (info.si_pid == 0) return false;  // A stale event of an earlier life.
  if (info.si_code == CLD_EXITED) {
    exit->code = info.si_status;
  } else {
    exit->signal = info.si_status;
    if (info.si_code == CLD_DUMPED) exit->flags |= kCoreDumped;
  }
  return true;
}

bool Supervisor::ReadStrangerExit(RankSlot* slot, JournalRecord* exit) {
  int status = 0;
  if (slot->told) {
    SetStatus(slot->told_status, exit);
    return true;
  }
  if (slot->pidfd.valid() && PidfdExitStatus(slot->pidfd.get(), &status)) {
    SetStatus(status, exit);
    return true;
  }
  // The kernel tells once the process was reaped, by whoever inherited it.
  if (slot->gone_since_ns < 0) slot->gone_since_ns = BootNs();
  if (BootNs() - slot->gone_since_ns < kStrangerWaitNs) return false;
  // Or it is not reaped: the agent that inherited it is stopped, or PID 1 reaps nothing.
  if (slot->pidfd.valid() && ZombieExitStatus(slot->pid, slot->pidfd.get(), &status)) {
    SetStatus(status, exit);
    return true;
  }
  exit->flags |= kUnknown;
  return true;
}

// The cgroup counts its OOM kills: so many of the ranks that died of a SIGKILL that was not ours.
void Supervisor::MarkOutOfMemory(std::vector<JournalRecord>* exits) {
  const bool any_killed = std::any_of(exits->begin(), exits->end(), [](const JournalRecord& exit) {
    return exit.signal == SIGKILL;
  });
  if (!any_killed) return;
  const int64_t kills = processes_.OomKills();
  int64_t fresh = kills - std::max<int64_t>(oom_kills_, 0);
  oom_kills_ = kills;
  for (JournalRecord& exit : *exits) {
    if (fresh <= 0) break;
    if (exit.signal != SIGKILL || (exit.flags & kStopped) != 0) continue;
    exit.flags |= kOutOfMemory;
    --fresh;
  }
}

void Supervisor::Commit(const std::vector<JournalRecord>& exits) {
  if (Planted("reap_before_journal")) {
    for (const JournalRecord& exit : exits) Reap(&slots_[static_cast<size_t>(exit.index)]);
  }
  Failpoint("shim.before_journal");
  // After a failed fsync nothing more may be promised: end without reaping, so that a successor
  // can still ask the kernel.
  if (!parts_.journal->Append(exits) || !parts_.journal->Sync()) {
    Die("the exit journal cannot be written");
  }
  Failpoint("shim.after_journal");
  for (const JournalRecord& exit : exits) {
    RankSlot& slot = slots_[static_cast<size_t>(exit.index)];
    slot.state = RankSlot::State::kEnded;
    slot.exit = exit;
    slot.has_exit = true;
    slot.gone_since_ns = -1;
    if (slot.pidfd.valid()) {
      parts_.poller->Remove(slot.pidfd.get());
      Reap(&slot);
      slot.pidfd.reset();
    }
    SendRecord(FrameType::kExit, exit);
  }
  Failpoint("shim.after_reap");
}

void Supervisor::Reap(RankSlot* slot) {
  if (!slot->is_child || !slot->pidfd.valid()) return;
  siginfo_t info = {};
  waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(slot->pidfd.get()), &info,
         WEXITED | WNOHANG);
}

// As the subreaper we inherit what the ranks orphan.
void Supervisor::ReapAdopted() {
  child_signal_ = false;
  while (true) {
    siginfo_t info = {};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    const pid_t pid = info.si_pid;
    for (size_t index = 0; index < slots_.size(); ++index) {
      if (slots_[index].state == RankSlot::State::kRunning && slots_[index].pid == pid &&
          slots_[index].is_child) {
        // A rank: it is reaped after its record was written. Then look again.
        NoteGone(index);
        child_signal_ = true;
        CollectExits();
        if (slots_[index].state == RankSlot::State::kRunning) return;
      }
    }
    if (std::none_of(slots_.begin(), slots_.end(), [pid](const RankSlot& slot) {
          return slot.state == RankSlot::State::kRunning && slot.pid == pid && slot.is_child;
        })) {
      waitpid(pid, nullptr, WNOHANG);
    }
  }
}

}  // namespace muster
