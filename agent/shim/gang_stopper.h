#ifndef MUSTER_AGENT_SHIM_GANG_STOPPER_H_
#define MUSTER_AGENT_SHIM_GANG_STOPPER_H_

#include <cstdint>
#include <vector>

#include "agent/shim/gang_processes.h"
#include "agent/shim/rank_slot.h"
#include "agent/shim/shim_plan.h"

namespace muster {

// Ends a gang: SIGTERM to the process groups of the ranks, a grace, SIGKILL to everything that is
// left, again until nothing is. Also ends what outlives its ranks: such a process gets a moment to
// finish by itself, then the same. Decides on CLOCK_BOOTTIME. Single-threaded.
class GangStopper {
 public:
  // All pointers must outlive this object.
  GangStopper(const ShimPlan* plan, GangProcesses* processes, std::vector<RankSlot>* slots)
      : plan_(plan), processes_(processes), slots_(slots) {}

  // A second call may only shorten the grace.
  void Stop(int64_t grace_ms, int64_t now_ns);
  bool stopping() const { return stopping_; }

  // Runs what is due. `ranks_ended`: none of the ranks runs; `empty`: nor anything else.
  void OnTime(int64_t now_ns, bool ranks_ended, bool empty);
  // A rank runs again after all had ended.
  void BeginAnew();
  // When OnTime() is due at the latest; -1: not before something happens.
  int64_t NextDeadlineNs() const { return next_ns_; }

 private:
  void LookAgain(int64_t now_ns);
  void SignalRank(RankSlot* slot, int signal);

  const ShimPlan* const plan_;
  GangProcesses* const processes_;
  std::vector<RankSlot>* const slots_;
  bool stopping_ = false;
  bool left_signalled_ = false;  // What is left after the ranks had its SIGTERM.
  int64_t term_ns_ = -1;         // When it gets that.
  int64_t kill_ns_ = -1;         // When all that is left is killed.
  int64_t look_ns_ = 0;
  int64_t next_ns_ = -1;
};

}  // namespace muster

#endif  // MUSTER_AGENT_SHIM_GANG_STOPPER_H_
