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

// FillJobDefaults(), and what the contract adds (LaunchContract::Complete). Idempotent; an unknown
// contract adds nothing, and is CheckContract()'s to refuse.
void CompleteSpec(v1::JobSpec* spec);

// INVALID_ARGUMENT, as LaunchContract::Check() words it, when the contract that `spec` names does
// not exist or cannot run it, or does not run on its devices (device_support.h), or when a host
// would have nothing to run. `spec` is complete.
absl::Status CheckContract(const v1::JobSpec& spec);

// Ports that one rank of the role needs on its host.
inline int PortsOfRank(const RoleNeeds& needs, int rank) {
  return needs.ports_per_rank + (rank == 0 ? needs.ports_on_first_rank : 0);
}

// Notes the ports that the job itself names for the rank (RankPlacement.fixed_ports).
inline void AddFixedPorts(const RoleNeeds& needs, v1::RankPlacement* rank) {
  const int port = needs.fixed_port_of_first_rank;
  if (rank->rank() == 0 && port > 0) rank->add_fixed_ports(static_cast<uint32_t>(port));
}

// What the contract asks for one role; nothing where it does not know the role.
RoleNeeds NeedsOfRole(const std::vector<RoleNeeds>& needs, const std::string& role);

}  // namespace muster

#endif  // MUSTER_LAUNCH_REGISTRY_H_
