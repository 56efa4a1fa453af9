#ifndef MUSTER_LAUNCH_PADDLE_HETER_H_
#define MUSTER_LAUNCH_PADDLE_HETER_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "launch/contract.h"

namespace muster {

// The contract `paddle_heter`: parameter servers (role `server`), trainers on processors (role
// `trainer`, stage 1) and trainers on devices: the roles whose name begins with `heter`, in the
// job's order stage 2, 3, and so on. As `--heter_workers` and `--heter_worker_num` start them, by
// the legacy launcher's rules.
class PaddleHeterContract final : public LaunchContract {
 public:
  absl::string_view name() const override { return "paddle_heter"; }
  void Complete(v1::JobSpec* spec) const override;
  absl::Status Check(const v1::JobSpec& spec) const override;
  std::vector<RoleNeeds> Needs(const v1::JobSpec& spec) const override;
  absl::StatusOr<LaunchPlan> Render(const LaunchContext& context) const override;
};

}  // namespace muster

#endif  // MUSTER_LAUNCH_PADDLE_HETER_H_
