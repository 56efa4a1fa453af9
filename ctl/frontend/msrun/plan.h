#ifndef MUSTER_CTL_FRONTEND_MSRUN_PLAN_H_
#define MUSTER_CTL_FRONTEND_MSRUN_PLAN_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ctl/frontend/engine/process_spec.h"
#include "ctl/frontend/msrun/flags.h"
#include "ctl/frontend/msrun/host_facts.h"

namespace muster {

// One process that msrun starts here, with what it says of it before.
struct MsrunProcess {
  ProcessSpec spec;
  std::vector<std::string> warnings;
  std::string console_line;  // On stdout; "" where the rank is not known.
  std::optional<int> rank;   // Of a worker, where it is known.
  bool shown = false;        // Its log is followed to the console.
};

// All that msrun does on this host, in its order.
struct MsrunPlan {
  std::vector<std::string> warnings;  // Before anything starts.
  std::optional<MsrunProcess> scheduler;
  std::vector<std::string> worker_warnings;  // Between the scheduler's start and the workers'.
  std::vector<MsrunProcess> workers;
  bool whole_job_here = false;  // No worker runs on another host.
};

// Pure: the rules of msrun from its flags and the facts of the host to processes. INVALID_ARGUMENT:
// the original's own words; nothing is to be started, exit status 1.
absl::StatusOr<MsrunPlan> PlanMsrun(const MsrunFlags& flags, const MsrunHost& host);

// What can be refused by the flags alone; part of PlanMsrun().
absl::Status CheckMsrunFlags(const MsrunFlags& flags);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_MSRUN_PLAN_H_
