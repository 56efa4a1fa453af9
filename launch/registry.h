#ifndef MUSTER_LAUNCH_REGISTRY_H_
#define MUSTER_LAUNCH_REGISTRY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "launch/contract.h"

namespace muster {

// The contract of that name; it lives as long as the process. NOT_FOUND lists the ones there are.
absl::StatusOr<const LaunchContract*> FindContract(absl::string_view name);

// Sorted.
std::vector<std::string> ContractNames();

// Whether the contract that `spec` names exists and can run it. `spec` has its defaults filled in.
absl::Status CheckContract(const v1::JobSpec& spec);

// The contract's needs, in the spec's order of roles; ports of one rank are
// ports_per_rank, and for rank 0 of the role ports_on_first_rank on top.
absl::StatusOr<std::vector<RoleNeeds>> NeedsOf(const v1::JobSpec& spec);

}  // namespace muster

#endif  // MUSTER_LAUNCH_REGISTRY_H_
