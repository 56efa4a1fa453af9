#ifndef MUSTER_AGENT_DEVICE_TOPOLOGY_H_
#define MUSTER_AGENT_DEVICE_TOPOLOGY_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "muster/v1/job.pb.h"

namespace muster {

// Processors and NUMA nodes of this host, by hwloc (HWLOC_SYNTHETIC makes one for tests).
// Immutable.
class Topology {
 public:
  static absl::StatusOr<std::unique_ptr<Topology>> Load();
  virtual ~Topology() = default;

  // Processors (PUs, by OS index) that this process may use.
  virtual int cpus() const = 0;
  // The processors of each of `numa_nodes.size()` ranks on this host, by the NUMA node of the
  // rank's first device (-1: none or unknown). Empty lists for `none`. RESOURCE_EXHAUSTED when
  // there are fewer cores than ranks (`core`).
  virtual absl::StatusOr<std::vector<std::vector<int>>> Bind(
      v1::CoreBinding binding, const std::vector<int>& numa_nodes) const = 0;
};

}  // namespace muster

#endif  // MUSTER_AGENT_DEVICE_TOPOLOGY_H_
