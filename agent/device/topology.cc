#include "agent/device/topology.h"

#include <hwloc.h>

#include <cerrno>
#include <map>
#include <utility>

#include "agent/device/core_binding.h"
#include "common/base/status.h"

namespace muster {
namespace {

struct TopologyCloser {
  void operator()(hwloc_topology_t topology) const { hwloc_topology_destroy(topology); }
};
using HwlocTopology = std::unique_ptr<hwloc_topology, TopologyCloser>;

// Cores, processors and NUMA nodes only: no caches, no I/O devices, no measuring on every core
// (what hwloc's x86 part does). A millisecond, and nothing is kept.
absl::StatusOr<HwlocTopology> LoadHwloc() {
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_init(&raw) != 0) return ErrnoStatus(errno, "hwloc");
  HwlocTopology topology(raw);
  hwloc_topology_set_components(raw, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "x86");
  // Packages and groups stay: NUMA nodes hang on them.
  hwloc_topology_set_cache_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_NONE);
  hwloc_topology_set_icache_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_NONE);
  hwloc_topology_set_io_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_NONE);
  hwloc_topology_set_flags(raw, HWLOC_TOPOLOGY_FLAG_NO_MEMATTRS | HWLOC_TOPOLOGY_FLAG_NO_CPUKINDS);
  if (hwloc_topology_load(raw) != 0) return ErrnoStatus(errno, "hwloc: load the topology");
  return topology;
}

// The processors of `set` that the agent's own affinity leaves it.
std::vector<int> UsablePus(hwloc_const_cpuset_t set, hwloc_const_cpuset_t usable) {
  std::vector<int> pus;
  int pu = -1;
  while ((pu = hwloc_bitmap_next(set, pu)) >= 0) {
    if (hwloc_bitmap_isset(usable, static_cast<unsigned>(pu)) != 0) pus.push_back(pu);
  }
  return pus;
}

int NumaNodeOf(hwloc_obj_t object) {
  return object->nodeset != nullptr ? hwloc_bitmap_first(object->nodeset) : 0;
}

std::map<int, std::map<int, int>> ReadDistances(hwloc_topology_t topology) {
  std::map<int, std::map<int, int>> distances;
  hwloc_distances_s* found = nullptr;
  unsigned count = 1;
  if (hwloc_distances_get_by_type(topology, HWLOC_OBJ_NUMANODE, &count, &found,
                                  HWLOC_DISTANCES_KIND_MEANS_LATENCY, 0) != 0 ||
      count == 0) {
    return distances;
  }
  for (unsigned from = 0; from < found->nbobjs; ++from) {
    for (unsigned to = 0; to < found->nbobjs; ++to) {
      distances[static_cast<int>(found->objs[from]->os_index)]
               [static_cast<int>(found->objs[to]->os_index)] =
                   static_cast<int>(found->values[from * found->nbobjs + to]);
    }
  }
  hwloc_distances_release(topology, found);
  return distances;
}

CoreMap ReadCores(hwloc_topology_t topology) {
  CoreMap map;
  // Cgroup's cpuset is in hwloc's view already; the affinity is not.
  hwloc_bitmap_t usable = hwloc_bitmap_dup(hwloc_topology_get_allowed_cpuset(topology));
  hwloc_bitmap_t bound = hwloc_bitmap_alloc();
  if (hwloc_topology_is_thissystem(topology) != 0 &&
      hwloc_get_cpubind(topology, bound, HWLOC_CPUBIND_THREAD) == 0) {
    hwloc_bitmap_and(usable, usable, bound);
  }
  // Some virtual machines show no cores: each processor is one then.
  const bool has_cores = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE) > 0;
  hwloc_obj_t object = nullptr;
  while ((object = hwloc_get_next_obj_by_type(topology, has_cores ? HWLOC_OBJ_CORE : HWLOC_OBJ_PU,
                                              object)) != nullptr) {
    Core core;
    core.pus = UsablePus(object->cpuset, usable);
    core.numa_node = NumaNodeOf(object);
    if (!core.pus.empty()) map.cores.push_back(std::move(core));
  }
  map.distance = ReadDistances(topology);
  hwloc_bitmap_free(bound);
  hwloc_bitmap_free(usable);
  return map;
}

class HwlocCores final : public Topology {
 public:
  explicit HwlocCores(CoreMap map) : map_(std::move(map)) {
    for (const Core& core : map_.cores) cpus_ += static_cast<int>(core.pus.size());
  }

  int cpus() const override { return cpus_; }

  absl::StatusOr<std::vector<std::vector<int>>> Bind(
      v1::CoreBinding binding, const std::vector<int>& numa_nodes) const override {
    switch (binding) {
      case v1::CORE_BINDING_CORE:
        return BindToCores(map_, numa_nodes);
      case v1::CORE_BINDING_NUMA:
        return BindToNumaNodes(map_, numa_nodes);
      default:
        return std::vector<std::vector<int>>(numa_nodes.size());
    }
  }

 private:
  const CoreMap map_;
  int cpus_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Topology>> Topology::Load() {
  MUSTER_ASSIGN_OR_RETURN(const HwlocTopology topology, LoadHwloc());
  CoreMap map = ReadCores(topology.get());
  if (map.cores.empty()) {
    return absl::FailedPreconditionError("hwloc: this process may use no processor at all");
  }
  return std::make_unique<HwlocCores>(std::move(map));
}

}  // namespace muster
