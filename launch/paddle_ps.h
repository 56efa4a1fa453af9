#ifndef MUSTER_LAUNCH_PADDLE_PS_H_
#define MUSTER_LAUNCH_PADDLE_PS_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "launch/contract.h"

namespace muster {

// The contract `paddle_ps`: parameter servers (role `server`) and trainers (role `trainer`), as
// `python -m paddle.distributed.launch --server_num --trainer_num` starts them; with `mode: legacy`
// as `--worker_num` does, which gives each trainer a device of its own. The job has succeeded once
// the trainers have: servers serve until they are stopped.
class PaddlePsContract final : public LaunchContract {
 public:
  absl::string_view name() const override { return "paddle_ps"; }
  void Complete(v1::JobSpec* spec) const override;
  absl::Status Check(const v1::JobSpec& spec) const override;
  std::vector<RoleNeeds> Needs(const v1::JobSpec& spec) const override;
  absl::StatusOr<LaunchPlan> Render(const LaunchContext& context) const override;
};

}  // namespace muster

#endif  // MUSTER_LAUNCH_PADDLE_PS_H_
