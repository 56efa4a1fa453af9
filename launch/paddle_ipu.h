#ifndef MUSTER_LAUNCH_PADDLE_IPU_H_
#define MUSTER_LAUNCH_PADDLE_IPU_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "launch/contract.h"

namespace muster {

// The contract `paddle_ipu`: one poprun, which starts the job's processes on all its IPU hosts
// itself, as `python -m paddle.distributed.launch --devices N ipu …` calls it.
class PaddleIpuContract final : public LaunchContract {
 public:
  absl::string_view name() const override { return "paddle_ipu"; }
  absl::Status Check(const v1::JobSpec& spec) const override;
  std::vector<RoleNeeds> Needs(const v1::JobSpec& spec) const override;
  absl::StatusOr<LaunchPlan> Render(const LaunchContext& context) const override;
};

}  // namespace muster

#endif  // MUSTER_LAUNCH_PADDLE_IPU_H_
