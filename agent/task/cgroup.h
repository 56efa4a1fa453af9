#ifndef MUSTER_AGENT_TASK_CGROUP_H_
#define MUSTER_AGENT_TASK_CGROUP_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace muster {

// What the ranks of one gang on one host may use together; -1: no limit.
struct CgroupLimits {
  int64_t memory_bytes = -1;
  int64_t processes = -1;
};

// Directories of one gang's cgroup. All empty: the gang does without.
struct GangCgroup {
  std::string dir;    // v2: ROOT/JOB-ATTEMPT, above the two leaves.
  std::string shim;   // msshim, and helpers of ours.
  std::string ranks;  // The ranks and all that they start: what is killed, limited and waited for.
  std::vector<std::string> v1;  // Leaves of v1 controllers that the ranks join as well, for limits.
};

// The part of the cgroup tree in which this host's gangs live. Found once; holds paths, no state.
// Works on pure v2 hosts, on hybrid ones (a bare v2 tree, v1 controllers for the limits), and says
// so where neither can be had: gangs then do without, and are ended by process group.
class CgroupRoot {
 public:
  // `configured` is Gangs::Options::cgroup_root: a v2 directory, "none", or empty to find one. That
  // is, in this order: a `muster` below the agent's own cgroup, where that was delegated to it;
  // below the top of the tree, where we may write. FAILED_PRECONDITION: `configured` cannot be
  // used.
  static absl::StatusOr<CgroupRoot> Find(const std::string& configured);
  bool available() const { return !dir_.empty(); }
  const std::string& dir() const { return dir_; }
  // Why gangs do without; empty when they do not have to.
  const std::string& reason() const { return reason_; }

  // What the gang's cgroup is called, whether it exists or not. `v1` only where `limits` need it.
  GangCgroup Name(const std::string& job_id, int attempt, const CgroupLimits& limits) const;
  // Makes it and sets its limits. ALREADY_EXISTS: processes live in it. FAILED_PRECONDITION: a
  // limit was asked for that this host cannot set. On any error nothing is left behind.
  absl::Status Create(const GangCgroup& group, const CgroupLimits& limits) const;
  // FAILED_PRECONDITION while something lives in it; absent is fine.
  static absl::Status Remove(const GangCgroup& group);
  // SIGKILL to every process of the leaf `ranks`, by cgroup.kill (Linux >= 5.14) or one by one.
  static void Kill(const GangCgroup& group);
  // Whether the leaf `ranks` has a process. False when it does not exist.
  static bool Populated(const GangCgroup& group);

 private:
  enum class Controller { kMissing, kV2, kV1 };
  struct Limit {  // How one kind of limit is set.
    Controller controller = Controller::kMissing;
    std::string v1_dir;  // For kV1: our directory in that controller's tree.
  };

  CgroupRoot() = default;
  static Limit FindController(const std::string& name, const std::string& v2_dir);
  absl::Status SetLimits(const GangCgroup& group, const CgroupLimits& limits) const;

  std::string dir_;
  std::string reason_;
  Limit memory_;
  Limit processes_;
};

// Where one of this process's cgroups lies, from the text of /proc/self/cgroup: the path in v2 for
// "", else in the v1 tree of controller `name`. Empty when it has none.
std::string OwnCgroup(const std::string& proc_self_cgroup, const std::string& name);
// Where the v2 tree, or the v1 tree of controller `name`, is mounted, and which part of it, from
// the text of /proc/self/mountinfo: (mount point, root of the mount). Empty when it is not.
std::pair<std::string, std::string> CgroupMount(const std::string& mountinfo,
                                                const std::string& name);

}  // namespace muster

#endif  // MUSTER_AGENT_TASK_CGROUP_H_
