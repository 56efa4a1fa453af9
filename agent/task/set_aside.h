#ifndef MUSTER_AGENT_TASK_SET_ASIDE_H_
#define MUSTER_AGENT_TASK_SET_ASIDE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "agent/task/cgroup.h"
#include "agent/task/gang_dir.h"
#include "agent/task/gang_remains.h"
#include "agent/task/node_lease.h"
#include "common/base/event_loop.h"
#include "common/base/unique_fd.h"
#include "muster/v1/task.pb.h"

namespace muster {

// Whether an msshim holds the lock of the gang.
bool ShimLives(const GangDir& dir);

// A gang that this agent does not take up, because its record cannot be read or because agents have
// died of it. Nothing of it is touched: its msshim runs its ranks to their end. Until then it is
// reported as being here, without a word about its ranks, so that nobody starts it elsewhere; then
// with the exits that its journal has, and UNKNOWN for the rest.
//
// Lives on the loop.
class SetAside {
 public:
  using Tell = std::function<void(const v1::GangReport&)>;

  // Reports count from `sequence`. `keeps_fence`: whether the gang may run only as long as the
  // lease of its host; nullopt: nobody knows, its plan says. `tell` gets the final report, never
  // from within a method; `loop` must outlive this object.
  SetAside(const GangDir& dir, const GangCgroup& cgroup, std::optional<bool> keeps_fence,
           int64_t sequence, EventLoop* loop, Tell tell);
  ~SetAside();
  SetAside(const SetAside&) = delete;
  SetAside& operator=(const SetAside&) = delete;

  // Ends its processes, and an msshim that hangs then. May be repeated.
  void Stop(absl::Duration grace);
  // The same once it has no msshim: at once where none lives, else when that dies before its ranks.
  void StopWithoutShim(absl::Duration grace);
  // Tells its msshim the lease of this host. Says that, and listens to nothing: what an msshim says
  // may be what agents have died of.
  void KeepLease(const NodeLease& lease);
  // That lease has run out.
  void Fence(absl::Duration grace);
  const v1::GangReport& report() const { return report_; }
  // The scheduler has this report. Whether it was the final one: the gang's directory then lies in
  // quarantine, and this object has no more to do.
  bool Acknowledge(int64_t sequence);

 private:
  void Look();
  // Whether processes of it may be left. Does not look for them where that is known, or can make no
  // difference: without a cgroup that is a walk through /proc.
  bool MayRemain(bool shim_lives) const;
  void KillShim();
  void End();
  void FillExits();

  const GangDir dir_;
  const GangCgroup cgroup_;
  const bool keeps_fence_;
  EventLoop* const loop_;
  const Tell tell_;
  v1::GangReport report_;
  std::optional<absl::Duration> stop_without_shim_;  // Its grace.
  std::unique_ptr<GangRemains> remains_;             // After a stop.
  bool remains_gone_ = false;                        // They have ended.
  UniqueFd shim_;                                    // For leases.
  EventLoop::TimerId look_ = 0;
  std::optional<absl::Duration> idle_since_;  // Its msshim, after a stop; on Clock::Boot().
};

}  // namespace muster

#endif  // MUSTER_AGENT_TASK_SET_ASIDE_H_
