// The restart ladder: whether a job, or one of its ranks, starts again after a failure, when, and
// which hosts it keeps away from. Decides only, from the job's record: pure.
#ifndef MUSTER_SCHEDULER_CORE_RESTART_POLICY_H_
#define MUSTER_SCHEDULER_CORE_RESTART_POLICY_H_

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "muster/v1/job.pb.h"
#include "scheduler/core/failure_history.h"

namespace muster {

// What the job file does not say.
struct RestartLimits {
  // A program that fails so soon after its start, twice in a row and in the same way, has an error
  // that would come again.
  absl::Duration at_once = absl::Seconds(10);
  // Starts that came to nothing before any rank ran are no failure of the job: they are made again,
  // this many in a row.
  int free_starts = 3;
  absl::Duration free_start_delay = absl::Seconds(1);
  // A host is kept away from after so many first causes within `host_memory`.
  int failures_of_host = 2;
  absl::Duration host_memory = absl::Hours(24);
  // So many restarts without progress are allowed whatever the budget,
  int least_in_a_row = 3;
  // so many of those that the program asks for,
  int asked_in_a_row = 10;
  // and so many after lost hosts, if it is not always the same host.
  int hosts_in_a_row = 100;
};

struct RestartDecision {
  bool again = false;
  absl::Duration delay;  // Doubles with each failure of the same budget in its window.
  // Hosts to keep away from if others will do; an elastic gang goes on without them where it can.
  // Names by node id.
  std::map<std::string, std::string> avoid;
  // Without `again`: why, in one line. Empty where none was to be expected.
  std::string why;
};

// What follows the failure `history.back()`. In this order:
//   1. An exit in restart.never_on, or a program that could not be started: it ends here.
//   2. No rank has run: a free start.
//   3. The same exit at once, twice in a row: it ends here (SameErrorAtOnce).
//   4. The budget: restart.max_host_restarts for hosts and devices, restart.max_restarts for the
//   rest,
//      none for restarts that the program asked for; each counts its own failures within
//      restart.window.
//   5. Faults over and over, each within restart.window of its start: that is no progress, however
//      slowly it goes, and whether they are the same or take turns. More than the budget of these
//      since an attempt that ran for longer ends it.
// Else it starts again: on the same hosts; on others for hosts with repeated failures; with fewer
// (nodes.min) where there are no others; and where these are missing too it waits in the queue.
RestartDecision DecideRestart(const v1::RestartSpec& restart, const RestartLimits& limits,
                              const std::vector<Failure>& history);

// restart.max_host_restarts with its default.
int HostRestarts(const v1::RestartSpec& restart);

// Whether a rank that has failed starts again alone, in its place.
bool RestartsRanks(const v1::RestartSpec& restart);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_RESTART_POLICY_H_
