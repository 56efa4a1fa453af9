#ifndef MUSTER_LAUNCH_RANK_TABLE_MERGE_H_
#define MUSTER_LAUNCH_RANK_TABLE_MERGE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace muster {

// What merge_hccl.py does with tables of single servers: the servers of all `texts`, in that order,
// with new rank ids. Everything else that a server says is kept. `texts` pairs each file's name,
// for messages, with its bytes. Ids that are numbers (merge_hccl.py writes such) become texts.
// INVALID_ARGUMENT: one is no table, or the result breaks a rule.
struct MergedRankTable {
  std::string text;
  int servers = 0;
  int devices = 0;
};
absl::StatusOr<MergedRankTable> MergeRankTables(
    const std::vector<std::pair<std::string, std::string>>& texts);

}  // namespace muster

#endif  // MUSTER_LAUNCH_RANK_TABLE_MERGE_H_
