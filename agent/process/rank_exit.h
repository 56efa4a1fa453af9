// From the records of msshim to what the rest of the agent knows of a rank's end.
#ifndef MUSTER_AGENT_PROCESS_RANK_EXIT_H_
#define MUSTER_AGENT_PROCESS_RANK_EXIT_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "agent/shim/exit_journal.h"
#include "agent/shim/shim_plan.h"

namespace muster {

// How a rank ended, as msshim has journalled it.
struct RankExit {
  int index = 0;                // In ShimPlan::ranks.
  int restart = 0;              // Which life of the rank.
  bool started = true;          // False: it never ran, and `error` says why.
  bool not_executable = false;  // It never ran although its program is there.
  bool known = true;            // False: nobody saw its exit.
  int code = 0;
  int signal = 0;  // 0: it exited with `code`.
  bool core_dumped = false;
  bool out_of_memory = false;
  bool stopped = false;  // msshim had signalled it before.
  std::string error;
  std::string message;       // What the rank itself left about a failure; filled in by its gang.
  int64_t boottime_ns = 0;  // CLOCK_BOOTTIME at the exit.
  absl::Time wall;
  int64_t out_bytes = 0;  // Lengths of the streams at the exit.
  int64_t err_bytes = 0;
};

// `record` is a kExit. `plan` gives the names in `error`; null when it cannot be read.
RankExit MakeRankExit(const JournalRecord& record, const ShimPlan* plan);

}  // namespace muster

#endif  // MUSTER_AGENT_PROCESS_RANK_EXIT_H_
