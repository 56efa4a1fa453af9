// Which ranks of a job run on which of its hosts. Ranks are dealt in blocks: the first host has the
// lowest ranks of every role, so that neighbours in rank are neighbours on a host, and the same
// hosts in the same order always get the same ranks. A role may be on some of the hosts alone
// (RoleSpec.node_ranks). Pure functions of (roles, number of hosts); specs are sound (job_check.h)
// and have their defaults filled in.
#ifndef MUSTER_COMMON_JOB_RANK_MAP_H_
#define MUSTER_COMMON_JOB_RANK_MAP_H_

#include <string>
#include <vector>

#include "muster/v1/job.pb.h"

namespace muster {

// One rank's place in the order of the job.
struct RankPosition {
  int role = 0;         // Index in JobSpec.roles.
  int rank = 0;         // Within the role, over all hosts.
  int local_rank = 0;   // Within the role, on its host.
  int global_rank = 0;  // Over all roles: by role in the spec's order, then by rank.
  int node_rank = 0;
};

// Ranks of `role` in a job on `num_nodes` hosts.
int RoleCount(const v1::RoleSpec& role, int num_nodes);
// Ranks of `role` on host `node_rank`: none if it is not one of the role's, else `per_node`, or its
// share of `count`. Shares differ by at most one, and the first hosts have the larger ones.
int RoleCountOnNode(const v1::RoleSpec& role, int num_nodes, int node_rank);
// Lowest rank of `role` on host `node_rank` (of the ranks it would have there, where it has none).
int FirstRankOnNode(const v1::RoleSpec& role, int num_nodes, int node_rank);

// Ranks of all roles.
int TotalRanks(const v1::JobSpec& spec, int num_nodes);
int RanksOnNode(const v1::JobSpec& spec, int num_nodes, int node_rank);

// The ranks of host `node_rank`, by role in the spec's order, then by rank: the order of
// NodePlacement.ranks.
std::vector<RankPosition> RanksOfNode(const v1::JobSpec& spec, int num_nodes, int node_rank);
// The ranks of all hosts, by global rank: the order of Attempt.ranks.
std::vector<RankPosition> AllRanks(const v1::JobSpec& spec, int num_nodes);

// Hosts that have no rank of any role, in ascending order.
std::vector<int> NodesWithoutRanks(const v1::JobSpec& spec, int num_nodes);

// Index of the role in the spec, or -1.
int FindRole(const v1::JobSpec& spec, const std::string& name);

}  // namespace muster

#endif  // MUSTER_COMMON_JOB_RANK_MAP_H_
