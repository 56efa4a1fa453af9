#ifndef MUSTER_LAUNCH_CONTRACT_H_
#define MUSTER_LAUNCH_CONTRACT_H_

#include <sys/types.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "muster/v1/job.pb.h"
#include "muster/v1/placement.pb.h"

namespace muster {

// What a contract asks of the planner for one role.
struct RoleNeeds {
  std::string role;
  int ports_per_rank = 0;  // On every rank's own host.
  int ports_on_first_rank =
      0;  // On top, for rank 0 of the role: RankPlacement.ports begins with them.
  int fixed_port_of_first_rank = 0;  // Named by the job: held for rank 0, too. 0: none.
};

// Which rank of which gang a plan is for. Everything pointed to must outlive the call.
struct LaunchContext {
  const v1::JobSpec* spec = nullptr;         // With all defaults filled in.
  const v1::Placement* placement = nullptr;  // Complete: ports included.
  int node_rank = 0;                         // Index in placement.nodes.
  const v1::RankPlacement* rank = nullptr;   // One of that node's ranks.
  std::string job_id;
  int attempt = 0;
  int rank_restarts = 0;  // Restarts of this rank alone within the attempt.
  std::string gang_dir;   // Absolute; the gang's directory on this host, for `LaunchPlan::files`.
};

// A file that must exist before the rank starts.
struct LaunchFile {
  std::string path;  // Absolute, or relative to LaunchContext::gang_dir.
  mode_t mode = 0600;
  std::string bytes;
};

// A file of the user's that must be there before any rank of this host starts.
struct LaunchInput {
  std::string field;  // Of the spec, for messages: "rank_table.file".
  std::string path;   // Absolute.
  // Judges its bytes, as purely as everything else here. Empty: it need only be readable.
  std::function<absl::Status(const std::string& bytes)> check;
};

// Names of a rank's log files under `logs.dir`; equal names: both streams share the file.
struct LogNames {
  std::string out;
  std::string err;
  bool create_empty = false;  // They exist also when nothing was written.
};

// What one rank gets.
struct LaunchPlan {
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;           // On top of the spec's.
  std::map<std::string, std::string> env_defaults;  // Only where nothing else sets them.
  // Left behind by other launchers; removed from the agent's environment, never from the spec's. A
  // name that ends in '*' means every variable that begins so.
  std::vector<std::string> clear_env;
  std::vector<std::string> drop_env;  // Removed likewise, but no launcher's, and so without a word.
  std::vector<LaunchFile> files;
  std::vector<LaunchInput> inputs;
  // A variable that gets the rank's own devices as indices into the visible list, the value of
  // MUSTER_RANK_DEVICES; empty: none.
  std::string own_devices_variable;
  LogNames logs;
  std::string workdir;  // Where it starts, relative to the spec's; made when missing. Empty: there.
  bool bind = true;     // False: it only waits, and the spec's `bind` passes it over.
  std::vector<std::string> notes;  // Lines for the user.
};

// How one kind of launcher starts its ranks: pure rules from (spec, placement, rank) to a plan. No
// clock, disk, socket or randomness. Stateless and thread-safe. The facts come from the real
// launchers' documents and programs; each file names its source.
class LaunchContract {
 public:
  virtual ~LaunchContract() = default;
  // As in JobSpec.contract.
  virtual absl::string_view name() const = 0;
  // Adds what a spec of this contract leaves to it (msrun's scheduler process as a role of its
  // own). Called once all of FillJobDefaults() is there, but for a `success` that the user left to
  // the contract; idempotent.
  virtual void Complete(v1::JobSpec* spec) const {}
  // INVALID_ARGUMENT when this contract cannot run `spec`, in the form "field: cause; what to do",
  // e.g. "restart.scope: …; use gang".
  virtual absl::Status Check(const v1::JobSpec& spec) const = 0;
  // One entry per role, in the spec's order.
  virtual std::vector<RoleNeeds> Needs(const v1::JobSpec& spec) const = 0;
  virtual absl::StatusOr<LaunchPlan> Render(const LaunchContext& context) const = 0;
};

}  // namespace muster

#endif  // MUSTER_LAUNCH_CONTRACT_H_
