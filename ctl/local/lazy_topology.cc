#include "ctl/local/lazy_topology.h"

#include <sched.h>

#include <algorithm>

#include "common/base/status.h"

namespace muster {

int LazyTopology::cpus() const {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

absl::StatusOr<std::vector<std::vector<int>>> LazyTopology::Bind(
    v1::CoreBinding binding, const std::vector<int>& numa_nodes) const {
  if (binding == v1::CORE_BINDING_NONE || binding == v1::CORE_BINDING_UNSPECIFIED) {
    return std::vector<std::vector<int>>(numa_nodes.size());
  }
  if (loaded_ == nullptr) {
    MUSTER_ASSIGN_OR_RETURN(loaded_, Topology::Load());
  }
  return loaded_->Bind(binding, numa_nodes);
}

}  // namespace muster
