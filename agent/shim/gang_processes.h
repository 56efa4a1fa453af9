#ifndef MUSTER_AGENT_SHIM_GANG_PROCESSES_H_
#define MUSTER_AGENT_SHIM_GANG_PROCESSES_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "agent/shim/shim_plan.h"
#include "common/base/unique_fd.h"

namespace muster {

// All processes that the ranks of a gang are or have become: the members of its cgroup; without one
// the descendants of the shim, which is their subreaper, setsid or not. After a takeover, without a
// cgroup, those that carry the job's MUSTER_JOB_ID and MUSTER_ATTEMPT in their environment.
// Never blocks. Single-threaded; lives as long as the shim, or as long as the agent ends a gang
// that has no shim any more.
class GangProcesses {
 public:
  // What, without a cgroup, makes a process one of the gang's.
  enum class Kin {
    kDescendants,  // It descends from this process.
    kEither,       // That, or its environment says so.
    kMarked,       // Its environment says so: this process has descendants of other gangs.
  };

  // `plan` must outlive this object.
  GangProcesses(const ShimPlan* plan, Kin kin);

  // Whether none is left. A child that was not reaped counts as left.
  bool Empty() const;
  std::vector<pid_t> Members() const;
  void SignalAll(int signal) const;
  // SIGKILL to all. Call again until Empty(): a fork may slip through a pass.
  void KillAll();
  // Becomes readable (EPOLLPRI) when the last one goes; -1 where the kernel tells nothing.
  int events_fd() const { return events_.get(); }
  // So many of them the kernel has killed for want of memory; -1 where it does not count.
  int64_t OomKills() const;

 private:
  std::vector<pid_t> CgroupMembers(const std::string& dir) const;
  std::vector<pid_t> Relatives() const;
  bool CarriesToken(pid_t pid) const;

  const ShimPlan* const plan_;
  const Kin kin_;
  UniqueFd events_;
  std::string oom_file_;
  std::string freezer_;  // freezer.state, where a v1 freezer is among the cgroups.
  int kill_passes_ = 0;
};

}  // namespace muster

#endif  // MUSTER_AGENT_SHIM_GANG_PROCESSES_H_
