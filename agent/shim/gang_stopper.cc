#include "agent/shim/gang_stopper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>

#include "agent/shim/kernel.h"

namespace muster {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
// `exec > >(tee log)`: tee reads to its end of file after the rank is gone.
constexpr int64_t kLeftNs = 2'000 * kNsPerMs;
// How often to look at, and kill, what gives no event; from the first to the second.
constexpr int64_t kFirstLookNs = 2 * kNsPerMs;
constexpr int64_t kLastLookNs = 200 * kNsPerMs;

}  // namespace

void GangStopper::Stop(int64_t grace_ms, int64_t now_ns) {
  const int64_t kill_ns = now_ns + std::max<int64_t>(grace_ms, 0) * kNsPerMs;
  kill_ns_ = kill_ns_ < 0 ? kill_ns : std::min(kill_ns_, kill_ns);
  next_ns_ = now_ns;
  if (stopping_) return;
  stopping_ = true;
  for (RankSlot& slot : *slots_) {
    if (slot.state == RankSlot::State::kRunning) SignalRank(&slot, SIGTERM);
  }
}

void GangStopper::OnTime(int64_t now_ns, bool ranks_ended, bool empty) {
  next_ns_ = -1;
  if (ranks_ended && empty) return BeginAnew();
  if (ranks_ended && !left_signalled_) {
    if (term_ns_ < 0) term_ns_ = stopping_ ? now_ns : now_ns + kLeftNs;
    if (now_ns >= term_ns_) {
      left_signalled_ = true;
      processes_->SignalAll(SIGTERM);
      if (kill_ns_ < 0) kill_ns_ = now_ns + plan_->stop_grace_ms * kNsPerMs;
    }
  }
  if (kill_ns_ >= 0 && now_ns >= kill_ns_) {
    for (RankSlot& slot : *slots_) {
      if (slot.state == RankSlot::State::kRunning) SignalRank(&slot, SIGKILL);
    }
    processes_->KillAll();
    LookAgain(now_ns);
    return;
  }
  if (ranks_ended) LookAgain(now_ns);
  if (kill_ns_ >= 0 && (next_ns_ < 0 || kill_ns_ < next_ns_)) next_ns_ = kill_ns_;
}

void GangStopper::BeginAnew() {
  left_signalled_ = false;
  term_ns_ = -1;
  look_ns_ = 0;
  if (!stopping_) kill_ns_ = -1;
}

void GangStopper::LookAgain(int64_t now_ns) {
  look_ns_ = std::clamp(2 * look_ns_, kFirstLookNs, kLastLookNs);
  next_ns_ = now_ns + look_ns_;
}

void GangStopper::SignalRank(RankSlot* slot, int signal) {
  pollfd exited = {slot->pidfd.get(), POLLIN, 0};
  if (poll(&exited, 1, 0) == 0) slot->stopped = true;  // Else it had ended before.
  if (PidfdSignalGroup(slot->pidfd.get(), signal) == 0 || errno != EINVAL) return;
  // Before Linux 6.9. Only a child of ours, not yet reaped, surely still has its number.
  if (!slot->is_child || kill(-slot->pid, signal) != 0) PidfdSignal(slot->pidfd.get(), signal);
}

}  // namespace muster
