#ifndef MUSTER_LAUNCH_RANK_TABLE_READER_H_
#define MUSTER_LAUNCH_RANK_TABLE_READER_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "launch/rank_table_file.h"

namespace muster {

// The JSON of a rank table, unchecked. INVALID_ARGUMENT says at which line and column it ends to be
// JSON.
absl::StatusOr<nlohmann::ordered_json> ParseRankTableJson(const std::string& text);

// A table as it was read, and every rule that it breaks, one line each with its place:
// "server_list[0].device[2].rank_id: 1 is there twice". With faults the table is what could be
// read.
struct CheckedRankTable {
  RankTable table;
  std::vector<std::string> faults;
};
CheckedRankTable ReadRankTable(const std::string& text);

// The same for a caller that needs a sound one: INVALID_ARGUMENT lists the faults.
absl::StatusOr<RankTable> ParseRankTable(const std::string& text);

}  // namespace muster

#endif  // MUSTER_LAUNCH_RANK_TABLE_READER_H_
