// What the agent does, at its start, with each gang that its state directory knows.
#ifndef MUSTER_AGENT_TASK_RECOVERY_H_
#define MUSTER_AGENT_TASK_RECOVERY_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/task/gang_dir.h"
#include "common/base/past_moment.h"
#include "muster/v1/task.pb.h"

namespace muster {

// An intent is taken up again only so long: well before a scheduler that has lost this host may run
// the gang elsewhere (40 s, reliability.md "Fencing").
inline constexpr absl::Duration kResumeWithin = absl::Seconds(20);

// What a gang's directory says before anybody asks its shim.
struct FoundGang {
  GangDir dir;
  Intent intent;
  std::optional<v1::GangReport> report;  // The final one.
  std::optional<PastMoment> acked;
  std::optional<absl::Duration> stop;  // Grace of the stop that was taken.
};

// All gangs below a state directory.
struct FoundGangs {
  std::vector<FoundGang> gangs;
  std::vector<GangDir> aside;         // Of those whose record cannot be read, see SetAside.
  std::vector<std::string> problems;  // One line each.
};

// Reads every gang below `state_dir`. Blocks. `runs` tells whether a gang has an msshim or a
// process: then it is among the gangs or set aside, whatever its record looks like. What does not
// run is removed where it has no intent, for it was never begun, and moved to STATE/quarantine
// where that is damaged; if only the disk refuses to give it, it is set aside as well. No one
// gang's record is an error.
absl::StatusOr<FoundGangs> FindGangs(const std::string& state_dir,
                                     const std::function<bool(const GangDir& dir)>& runs);

// Reads one of them. NOT_FOUND: it has no intent. DATA_LOSS: a damaged one.
absl::StatusOr<FoundGang> ReadGang(const GangDir& dir, std::vector<std::string>* problems);

// All that decides.
struct GangEvidence {
  bool reported = false;    // Its final report is on disk.
  bool same_boot = true;    // The kernel under which it was started still runs.
  bool shim_lives = false;  // Its lock is held.
  bool begun = false;       // A shim has made the exit journal: ranks may have started.
  bool finished = false;    // The journal says that the shim came to its end.
  bool stop_taken = false;
  absl::Duration intent_age;  // On CLOCK_BOOTTIME; of the same boot only.
};

enum class GangFate {
  kReported,    // Nothing to do; its report is known.
  kAdopt,       // Connect to its shim.
  kTakeOver,    // A new shim concludes what the dead one left.
  kConclude,    // The journal says how it ended.
  kLost,        // The host rebooted under it.
  kStart,       // The intent was fresh and nothing has run: start it now.
  kNotStarted,  // Nothing has run, and nothing will.
};

GangFate Decide(const GangEvidence& evidence);
absl::string_view Name(GangFate fate);

}  // namespace muster

#endif  // MUSTER_AGENT_TASK_RECOVERY_H_
