#ifndef MUSTER_LAUNCH_MINDSPORE_H_
#define MUSTER_LAUNCH_MINDSPORE_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "launch/contract.h"

namespace muster {

// The contract `mindspore`: MindSpore's dynamic cluster, as msrun starts it. Every process runs the
// same command and registers with the one of role `scheduler`, which listens on a held port of the
// first host and ends by itself once all others have left. Facts: MindSpore 2.7 (br_base),
// mindspore/parallel/cluster, and its tutorial pages msrun_launcher and dynamic_cluster.
//
// - The default success policy, `all`, is msrun's: the scheduler must exit 0 as well. It cannot
// hang
//   for good, for MindSpore ends it MS_NODE_TIMEOUT (30 s) after the last heartbeat; and to stop it
//   and the servers as soon as the workers have ended could cut off what servers still write.
// - With servers (parameter-server mode) workers and servers register under names, because numbers
//   would have to be unique over both; MindSpore then deals the ranks by (host address, name), so
//   RANK_ID is not known before and not set. On one host they come out as in the job.
// - Recovery keeps a process's MS_NODE_ID over a restart of its rank, and gives each attempt a
//   directory of its own: a new cluster must not find an older one's files.
class MindSporeContract final : public LaunchContract {
 public:
  absl::string_view name() const override { return "mindspore"; }
  // Adds the scheduler; turns a simulation of one rank into a job of one process.
  void Complete(v1::JobSpec* spec) const override;
  absl::Status Check(const v1::JobSpec& spec) const override;
  std::vector<RoleNeeds> Needs(const v1::JobSpec& spec) const override;
  absl::StatusOr<LaunchPlan> Render(const LaunchContext& context) const override;
};

}  // namespace muster

#endif  // MUSTER_LAUNCH_MINDSPORE_H_
