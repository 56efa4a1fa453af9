#ifndef MUSTER_LAUNCH_POSITION_H_
#define MUSTER_LAUNCH_POSITION_H_

#include "absl/status/statusor.h"
#include "launch/contract.h"

namespace muster {

// Where one rank stands in its gang. Counted in the placement, which is what really runs; the spec
// gives only the order of the roles.
struct Position {
  // Over all roles: by role in the spec's order, then by rank.
  int global_rank = 0;
  int world_size = 0;
  // Over all ranks of the gang on this host, in the order of NodePlacement.ranks.
  int local_rank = 0;
  int local_world_size = 0;
  // Within the role.
  int role_rank = 0;
  int role_world_size = 0;
  int num_nodes = 0;
  // Global rank 0 and its host. Point into the placement.
  const v1::NodePlacement* first_node = nullptr;
  const v1::RankPlacement* first_rank = nullptr;
};

// INTERNAL when the context contradicts itself: its rank is not one of its host's, or the role is
// not one of the spec's.
absl::StatusOr<Position> FindPosition(const LaunchContext& context);

}  // namespace muster

#endif  // MUSTER_LAUNCH_POSITION_H_
