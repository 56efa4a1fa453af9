#ifndef MUSTER_LAUNCH_RANK_TABLE_H_
#define MUSTER_LAUNCH_RANK_TABLE_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "launch/contract.h"

namespace muster {

// The contract `rank_table`: one process for each Ascend device, no scheduler process; all find
// each other through a table of the job's devices. The table is written from the placement, or the
// user's is checked against it on each host before anything starts. Facts: MindSpore's tutorial
// page rank_table and its start scripts.
//
// The scripts copy the program into a directory for each process and start it there. Ours start in
// `workdir`, so that nothing need be copied, unless rank_table.device_dirs asks for directories;
// the logs are in the scripts' places either way (device0/train0.log, device_3/train3.log).
class RankTableContract final : public LaunchContract {
 public:
  absl::string_view name() const override { return "rank_table"; }
  absl::Status Check(const v1::JobSpec& spec) const override;
  std::vector<RoleNeeds> Needs(const v1::JobSpec& spec) const override;
  absl::StatusOr<LaunchPlan> Render(const LaunchContext& context) const override;
};

}  // namespace muster

#endif  // MUSTER_LAUNCH_RANK_TABLE_H_
