#ifndef MUSTER_AGENT_PROCESS_GANG_RECORD_H_
#define MUSTER_AGENT_PROCESS_GANG_RECORD_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/process/rank_exit.h"
#include "agent/shim/shim_plan.h"

namespace muster {

// A rank that started and has no exit on record.
struct RunningRank {
  int index = 0;
  int restart = 0;
  int pid = 0;
  int64_t boottime_ns = 0;  // CLOCK_BOOTTIME right after its start.
  absl::Time wall;
};

// What the files of a gang say of its ranks, for a gang whose shim has ended.
struct GangRecord {
  std::vector<RankExit> exits;  // Of each rank's last life, in the order in which they happened.
  std::vector<RunningRank> running;
  bool finished = false;  // The shim had come to its end.
  // Final lengths, by index; valid when finished.
  std::vector<std::pair<int64_t, int64_t>> lengths;
};

// Whether a shim has ever taken the gang up; before that, nothing of it has run.
bool HasGangRecord(const std::string& gang_dir);

// NOT_FOUND: no shim ever began. DATA_LOSS: damaged before its last record; a torn tail is cut.
absl::StatusOr<GangRecord> ReadGangRecord(const std::string& gang_dir);

// The plan of a gang. DATA_LOSS: damaged, or of another major version.
absl::StatusOr<ShimPlan> ReadGangPlan(const std::string& gang_dir);

}  // namespace muster

#endif  // MUSTER_AGENT_PROCESS_GANG_RECORD_H_
