#ifndef MUSTER_AGENT_PROCESS_GANG_RECORD_H_
#define MUSTER_AGENT_PROCESS_GANG_RECORD_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/process/rank_exit.h"
#include "agent/shim/shim_plan.h"

namespace muster {

// What the files of a gang say of its ranks, for a gang whose shim has ended.
struct GangRecord {
  std::vector<RankExit> exits;  // Of each rank's last life, in the order in which they happened.
  std::vector<int> running;     // Indices that started and have no exit on record.
  bool finished = false;        // The shim had come to its end.
  // Final lengths, by index; valid when finished.
  std::vector<std::pair<int64_t, int64_t>> lengths;
};

// NOT_FOUND: no shim ever began. DATA_LOSS: damaged before its last record; a torn tail is cut.
absl::StatusOr<GangRecord> ReadGangRecord(const std::string& gang_dir);

// The plan of a gang. DATA_LOSS: damaged, or of another major version.
absl::StatusOr<ShimPlan> ReadGangPlan(const std::string& gang_dir);

}  // namespace muster

#endif  // MUSTER_AGENT_PROCESS_GANG_RECORD_H_
