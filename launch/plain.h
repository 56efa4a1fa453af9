#ifndef MUSTER_LAUNCH_PLAIN_H_
#define MUSTER_LAUNCH_PLAIN_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "launch/contract.h"

namespace muster {

// The contract `plain`: the command as it is. Ranks learn who they are from MUSTER_* alone, which
// every contract sets (render.h). No ports, no files.
class PlainContract final : public LaunchContract {
 public:
  absl::string_view name() const override { return "plain"; }
  absl::Status Check(const v1::JobSpec& spec) const override;
  std::vector<RoleNeeds> Needs(const v1::JobSpec& spec) const override;
  absl::StatusOr<LaunchPlan> Render(const LaunchContext& context) const override;
};

}  // namespace muster

#endif  // MUSTER_LAUNCH_PLAIN_H_
