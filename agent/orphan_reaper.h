#ifndef MUSTER_AGENT_ORPHAN_REAPER_H_
#define MUSTER_AGENT_ORPHAN_REAPER_H_

#include <sys/types.h>

#include <cstdint>
#include <map>

#include "common/base/event_loop.h"
#include "common/base/unique_fd.h"

namespace muster {

// Makes this process what the orphans of a dead msshim fall to (PR_SET_CHILD_SUBREAPER), so that
// how its ranks end can be learned also where PID 1 reaps nothing and the kernel is older than
// 6.15. That holds for the shims of this process: those of an earlier agent belong to PID 1.
//
// Whoever waits for a child of ours (RankDescriptors for a rank, StartShim() for a shim) reaps it
// at once. This reaps what nobody waits for: descendants of ranks that have outlived them and their
// shim. It takes a process that is still dead a second after it was seen so, and never one of our
// own session, for such are helpers that we run ourselves.
//
// Lives on the loop, as long as the agent. BlockSignals() comes first.
class OrphanReaper {
 public:
  explicit OrphanReaper(EventLoop* loop);  // `loop` must outlive this object.
  ~OrphanReaper();
  OrphanReaper(const OrphanReaper&) = delete;
  OrphanReaper& operator=(const OrphanReaper&) = delete;

 private:
  void LookSoon();
  void Look();

  EventLoop* const loop_;
  const UniqueFd signals_;         // SIGCHLD.
  EventLoop::TimerId look_ = 0;    // 0: nothing has died that is not accounted for.
  std::map<pid_t, int64_t> dead_;  // At the last look, and when they had begun.
};

}  // namespace muster

#endif  // MUSTER_AGENT_ORPHAN_REAPER_H_
