#ifndef MUSTER_LAUNCH_TORCH_H_
#define MUSTER_LAUNCH_TORCH_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "launch/contract.h"

namespace muster {

// The contract `torch`: what torchrun gives its workers, with rank 0 as the host of the store. One
// world over all roles; a host is a worker group. Facts: torch 1.13.1,
// torch/distributed/elastic/agent/server/local_elastic_agent.py and
// torch/distributed/run.py, and the page "torchrun (Elastic Launch)" of its documents.
class TorchContract final : public LaunchContract {
 public:
  absl::string_view name() const override { return "torch"; }
  absl::Status Check(const v1::JobSpec& spec) const override;
  std::vector<RoleNeeds> Needs(const v1::JobSpec& spec) const override;
  absl::StatusOr<LaunchPlan> Render(const LaunchContext& context) const override;
};

}  // namespace muster

#endif  // MUSTER_LAUNCH_TORCH_H_
