// How a job has ended before: all that the restart ladder counts, from the job's record alone.
#ifndef MUSTER_SCHEDULER_CORE_FAILURE_HISTORY_H_
#define MUSTER_SCHEDULER_CORE_FAILURE_HISTORY_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "muster/v1/job.pb.h"

namespace muster {

// The end of one attempt, or of one life of a rank.
struct Failure {
  v1::FaultClass fault = v1::FAULT_CLASS_UNSPECIFIED;  // UNSPECIFIED: it was ended on purpose.
  v1::ExitResult exit;                                 // Of the first rank to fail, if any.
  absl::Time time;
  absl::Duration ran;     // From its start to the first failure.
  bool ranks_ran = true;  // Any rank has ever run.
  std::string node_id;    // The host of the first cause; empty where none is to blame.
  std::string node_name;
  int hosts = 1;  // Of the gang.
};

// One for each attempt that has ended, oldest first. The record outlives agents and schedulers, so
// that neither a new leader nor a host that leaves and returns begins the count anew.
std::vector<Failure> FailuresOfJob(const v1::Job& job);

// What is stored of a job's attempts.
struct AttemptBounds {
  int latest = 50;  // So many of the latest, beside the first;
  int least = 4;    // fewer where they are large, but not fewer than these.
  size_t max_bytes = size_t{8} << 20;
  // Failures may matter for so long, or until restart.window has passed, or an attempt has run for
  // that; of more than so many the latest do.
  absl::Duration memory;
  int failures = 10000;
};

// Takes the others out of the record of a job that starts again and again. What its history counts
// stays, as JobStatus.past_failures.
void BoundAttempts(const AttemptBounds& bounds, absl::Time now, v1::Job* job);

// The same of one rank within an attempt (restart.scope: rank).
std::vector<Failure> FailuresOfRank(const v1::Attempt& attempt, absl::string_view role, int rank);

// Notes one more failure of `rank` in its attempt, once for each of its lives. Forgets those of it
// that are older than `window`, but for the latest 100.
void NoteRankFailure(const v1::RankStatus& rank, v1::FaultClass fault, absl::Time now,
                     absl::Duration window, v1::Attempt* attempt);

// Whether both failed in the same way: the same host was lost, both asked for the restart, or the
// class and the exit are the same.
bool SameFault(const Failure& a, const Failure& b);

// The hosts to keep away from, if others will do: those with at least `failures` first causes
// within `memory` of `now`. Names by node id.
std::map<std::string, std::string> HostsToAvoid(const std::vector<Failure>& history, int failures,
                                                absl::Duration memory, absl::Time now);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_FAILURE_HISTORY_H_
