#include "launch/position.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/job/rank_map.h"

namespace muster {
namespace {

bool SameRank(const v1::RankPlacement& a, const v1::RankPlacement& b) {
  return a.role() == b.role() && a.rank() == b.rank();
}

// Counts the whole gang; leaves what is about this host alone.
void CountGang(const LaunchContext& context, int own_role, Position* position) {
  int ranks_of_earlier_roles = 0;
  int first_role = -1;
  for (const v1::NodePlacement& node : context.placement->nodes()) {
    for (const v1::RankPlacement& rank : node.ranks()) {
      const int role = FindRole(*context.spec, rank.role());
      ++position->world_size;
      if (role == own_role) ++position->role_world_size;
      if (role < own_role) ++ranks_of_earlier_roles;
      if (rank.rank() == 0 && (first_role < 0 || role < first_role)) {
        first_role = role;
        position->first_node = &node;
        position->first_rank = &rank;
      }
    }
  }
  position->global_rank = ranks_of_earlier_roles + position->role_rank;
}

}  // namespace

absl::StatusOr<Position> FindPosition(const LaunchContext& context) {
  const v1::Placement& placement = *context.placement;
  if (context.node_rank < 0 || context.node_rank >= placement.nodes_size()) {
    return absl::InternalError(absl::StrCat("placement: it has ", placement.nodes_size(),
                                            " hosts, and no host ", context.node_rank));
  }
  const int role = FindRole(*context.spec, context.rank->role());
  if (role < 0) {
    return absl::InternalError(
        absl::StrCat("placement: the job has no role '", context.rank->role(), "'"));
  }
  const v1::NodePlacement& here = placement.nodes(context.node_rank);
  Position position;
  position.role_rank = context.rank->rank();
  position.num_nodes = placement.nodes_size();
  position.local_world_size = here.ranks_size();
  position.local_rank = -1;
  for (int i = 0; i < here.ranks_size(); ++i) {
    if (SameRank(here.ranks(i), *context.rank)) position.local_rank = i;
  }
  CountGang(context, role, &position);
  if (position.local_rank < 0 || position.first_rank == nullptr) {
    return absl::InternalError(absl::StrCat("placement: ", context.rank->role(), " ",
                                            context.rank->rank(), " is not on host ",
                                            context.node_rank, ", or the gang has no rank 0"));
  }
  return position;
}

}  // namespace muster
