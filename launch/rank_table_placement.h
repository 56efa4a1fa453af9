#ifndef MUSTER_LAUNCH_RANK_TABLE_PLACEMENT_H_
#define MUSTER_LAUNCH_RANK_TABLE_PLACEMENT_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "launch/rank_table_file.h"
#include "muster/v1/job.pb.h"
#include "muster/v1/placement.pb.h"

namespace muster {

// The table of a placement of one role with one device for each rank. A server's id is its host's
// address; where the hosts' order is not that of their addresses as texts, the ids are made of the
// hosts' numbers, for ranks must grow with the ids in dictionary order. INVALID_ARGUMENT: a device
// has no address, or no super device id, where the table needs one.
absl::StatusOr<RankTable> MakeRankTable(const v1::RankTableOptions& options,
                                        const v1::Placement& placement);

// Whether the user's table says of host `node_rank` what was placed there: the same devices, with
// the same ranks. INVALID_ARGUMENT names the first difference. A host is found by its address or
// name; where there is one host and one server, these are the same.
absl::Status MatchRankTable(const RankTable& table, const v1::Placement& placement, int node_rank);

}  // namespace muster

#endif  // MUSTER_LAUNCH_RANK_TABLE_PLACEMENT_H_
