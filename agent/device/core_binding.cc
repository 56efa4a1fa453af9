#include "agent/device/core_binding.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"

namespace muster {
namespace {

// Without the firmware's word: the same node is near, and numbers follow places.
int Distance(const CoreMap& map, int from, int to) {
  const auto row = map.distance.find(from);
  if (row != map.distance.end()) {
    const auto cell = row->second.find(to);
    if (cell != row->second.end()) return cell->second;
  }
  return from == to ? 0 : 1000 + std::abs(from - to);
}

// Moves up to `count` cores from `free` to `taken`, the nearest to `numa_node` first (-1: in
// order); with `local`, none of another node.
void TakeCores(const CoreMap& map, int numa_node, bool local, size_t count, std::vector<int>* free,
               std::vector<int>* taken) {
  std::vector<int> wanted;
  for (const int core : *free) {
    if (!local || map.cores[core].numa_node == numa_node) wanted.push_back(core);
  }
  if (numa_node >= 0) {
    std::stable_sort(wanted.begin(), wanted.end(), [&map, numa_node](int a, int b) {
      return Distance(map, numa_node, map.cores[a].numa_node) <
             Distance(map, numa_node, map.cores[b].numa_node);
    });
  }
  if (wanted.size() > count) wanted.resize(count);
  for (const int core : wanted) {
    taken->push_back(core);
    free->erase(std::find(free->begin(), free->end(), core));
  }
}

std::vector<int> PusOf(const CoreMap& map, const std::vector<int>& cores) {
  std::vector<int> pus;
  for (const int core : cores) {
    pus.insert(pus.end(), map.cores[core].pus.begin(), map.cores[core].pus.end());
  }
  std::sort(pus.begin(), pus.end());
  return pus;
}

}  // namespace

absl::StatusOr<std::vector<std::vector<int>>> BindToCores(const CoreMap& map,
                                                          const std::vector<int>& numa_nodes) {
  const size_t ranks = numa_nodes.size();
  std::vector<std::vector<int>> bound(ranks);
  if (ranks == 0) return bound;
  if (map.cores.size() < ranks) {
    return absl::ResourceExhaustedError(
        absl::StrCat("bind: core: ", ranks, " ranks, but the agent may use only ", map.cores.size(),
                     " cores here; use bind: none, or fewer ranks per node"));
  }
  std::vector<int> free(map.cores.size());
  std::iota(free.begin(), free.end(), 0);
  const size_t share = map.cores.size() / ranks;
  std::vector<std::vector<int>> taken(ranks);
  // What is near to a rank's device must not go to one that only spills over from elsewhere.
  for (size_t rank = 0; rank < ranks; ++rank) {
    if (numa_nodes[rank] < 0) continue;
    TakeCores(map, numa_nodes[rank], /*local=*/true, share, &free, &taken[rank]);
  }
  for (const bool with_device : {true, false}) {
    for (size_t rank = 0; rank < ranks; ++rank) {
      if ((numa_nodes[rank] >= 0) != with_device) continue;
      TakeCores(map, numa_nodes[rank], /*local=*/false, share - taken[rank].size(), &free,
                &taken[rank]);
      bound[rank] = PusOf(map, taken[rank]);
    }
  }
  return bound;
}

std::vector<std::vector<int>> BindToNumaNodes(const CoreMap& map,
                                              const std::vector<int>& numa_nodes) {
  std::map<int, std::vector<int>> pus_of;
  std::vector<int> nodes;  // Those with cores, in the order of their places.
  for (const Core& core : map.cores) {
    std::vector<int>& pus = pus_of[core.numa_node];
    if (pus.empty()) nodes.push_back(core.numa_node);
    pus.insert(pus.end(), core.pus.begin(), core.pus.end());
  }
  for (auto& [node, pus] : pus_of) std::sort(pus.begin(), pus.end());
  std::vector<std::vector<int>> bound;
  for (size_t rank = 0; rank < numa_nodes.size() && !nodes.empty(); ++rank) {
    const int wanted = numa_nodes[rank];
    const auto nearer = [&map, wanted](int a, int b) {
      return Distance(map, wanted, a) < Distance(map, wanted, b);
    };
    const int node = wanted >= 0 ? *std::min_element(nodes.begin(), nodes.end(), nearer)
                                 : nodes[rank * nodes.size() / numa_nodes.size()];
    bound.push_back(pus_of[node]);
  }
  return bound;
}

}  // namespace muster
