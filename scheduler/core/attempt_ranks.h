// The ranks of one attempt as its record shows them.
#ifndef MUSTER_SCHEDULER_CORE_ATTEMPT_RANKS_H_
#define MUSTER_SCHEDULER_CORE_ATTEMPT_RANKS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "muster/v1/job.pb.h"

namespace muster {

// An attempt with `placement`, every rank RESERVED, ordered by role as in the spec, then by rank.
v1::Attempt MakeAttempt(const v1::JobSpec& spec, int number, const v1::Placement& placement);

// Index in `placement.nodes`, or -1.
int FindNode(const v1::Placement& placement, const std::string& node_id);

// Takes over what a host says of its own ranks; others in `report` are ignored. Ranks that have
// ended stay ended, except for a later restart of the same rank. Returns whether anything changed.
bool ApplyReport(const v1::GangReport& report, int node, v1::Attempt* attempt);

// The same of ranks that were given up: takes over the ends that are only believed here (LOST,
// UNKNOWN, or never started) and that the host has seen. What is known stays, and nothing comes to
// life again. Returns whether anything changed.
bool ApplyLateExits(const v1::GangReport& report, int node, v1::Attempt* attempt);

// Ends every rank of host `node` that has not ended.
void EndRanks(int node, v1::RankState state, const v1::ExitResult& exit, absl::Time now,
              v1::Attempt* attempt);

bool NodeRanksEnded(const v1::Attempt& attempt, int node);
// Whether a rank of host `node` has ever run.
bool NodeRanksStarted(const v1::Attempt& attempt, int node);
// Whether any rank has ever run.
bool AnyRankStarted(const v1::Attempt& attempt);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_ATTEMPT_RANKS_H_
