#ifndef MUSTER_CTL_LOCAL_LAZY_TOPOLOGY_H_
#define MUSTER_CTL_LOCAL_LAZY_TOPOLOGY_H_

#include <memory>
#include <vector>

#include "agent/device/topology.h"

namespace muster {

// A Topology that asks hwloc only when a job wants its ranks bound: hwloc takes longer to look
// around than a short job to run. Used by one thread.
class LazyTopology : public Topology {
 public:
  int cpus() const override;
  absl::StatusOr<std::vector<std::vector<int>>> Bind(
      v1::CoreBinding binding, const std::vector<int>& numa_nodes) const override;

 private:
  mutable std::unique_ptr<Topology> loaded_;
};

}  // namespace muster

#endif  // MUSTER_CTL_LOCAL_LAZY_TOPOLOGY_H_
