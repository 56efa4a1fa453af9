// Whether one node can take one host's share of a job, and why not.
#ifndef MUSTER_SCHEDULER_PLAN_FIT_H_
#define MUSTER_SCHEDULER_PLAN_FIT_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/job/constraint.h"
#include "muster/v1/job.pb.h"
#include "scheduler/plan/cluster_view.h"

namespace muster {

// Ranks without devices cost a node nothing that is counted, up to this many on one node at once.
inline constexpr int kMaxRanksOnNode = 4096;

// One host's share of a gang.
struct Share {
  std::map<std::string, int> devices;  // By kind.
  int ranks = 0;
  std::set<uint32_t> ports;  // That the job itself names.

  bool operator==(const Share& other) const {
    return ranks == other.ranks && devices == other.devices && ports == other.ports;
  }
};
// Without ports: those are the contract's (RoleNeeds).
Share ShareOfNode(const v1::JobSpec& spec, int num_nodes, int node_rank);

enum class FitMode {
  kNow,   // With what is free and ready.
  kEver,  // On this node, were it idle, connected and not cordoned.
};

// Why a node cannot take a share.
struct Misfit {
  std::string reason;  // "cordoned", "label gpu!=a100", "too few devices"; equal ones are counted.
  std::string kind;    // Of too few devices: the kind,
  int need = 0;        // how many are needed
  int have = 0;        // and how many there are.
};

// Nullopt when it fits. Checked in a fixed order; the first obstacle is the reason.
std::optional<Misfit> FindMisfit(const NodeView& node, const std::vector<Constraint>& constraints,
                                 const Share& share, FitMode mode);

// One line: "12 nodes: 7 too few devices (need 8 nvidia, have 4 free), 3 cordoned". `fitting` nodes
// would do, `wanted` are needed.
std::string CountMisfits(const std::vector<Misfit>& misfits, int fitting, int wanted, FitMode mode);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_PLAN_FIT_H_
