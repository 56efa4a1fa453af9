#ifndef MUSTER_AGENT_SHIM_RANK_SPAWNER_H_
#define MUSTER_AGENT_SHIM_RANK_SPAWNER_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/shim/exit_journal.h"
#include "agent/shim/shim_plan.h"
#include "common/base/unique_fd.h"

namespace muster {

struct ChildArgs;
struct ChildReport;

// Starts ranks: clone3 into the gang's cgroup with vfork semantics, so that a start costs what
// posix_spawn costs and its failure is known on return. Older kernels: without CLONE_INTO_CGROUP
// the child joins the cgroup itself, without close_range() it gets a copy of the descriptor table.
// Single-threaded; lives as long as the shim.
class RankSpawner {
 public:
  struct Result {
    pid_t pid = -1;
    UniqueFd pidfd;
    StartStep step = StartStep::kNone;  // Not kNone: the rank does not run.
    int error = 0;
    int detail = 0;
  };

  explicit RankSpawner(const ShimPlan* plan);  // `plan` must outlive this object.
  ~RankSpawner();

  // `out` and `err` are the write ends; they stay the caller's. Returns when the program runs.
  // `restart`: which life of the rank, in its MUSTER_RANK_RESTARTS.
  Result Start(const ShimRank& rank, int restart, int out, int err);

 private:
  Result Clone(ChildArgs* args, bool into_cgroup);

  const ShimPlan* const plan_;
  UniqueFd cgroup_;
  int cgroup_error_ = 0;
  bool into_cgroup_ = false;
  bool share_files_ = false;
  std::string cgroup_procs_;
  std::vector<std::string> v1_procs_;
  ChildReport* report_ = nullptr;
  std::unique_ptr<char[]> stack_;
  const std::vector<int> ignored_signals_;
};

}  // namespace muster

#endif  // MUSTER_AGENT_SHIM_RANK_SPAWNER_H_
