// When an attempt has succeeded, failed or ended, by `success`, `clean_up` and `on_failure`.
#ifndef MUSTER_SCHEDULER_CORE_SUCCESS_POLICY_H_
#define MUSTER_SCHEDULER_CORE_SUCCESS_POLICY_H_

#include "absl/time/time.h"
#include "google/protobuf/repeated_field.h"
#include "muster/v1/job.pb.h"

namespace muster {

using RankStatuses = google::protobuf::RepeatedPtrField<v1::RankStatus>;

bool RankEnded(const v1::RankStatus& rank);
bool AllRanksEnded(const RankStatuses& ranks);
// Every rank runs, or has run and ended.
bool AllRanksStarted(const RankStatuses& ranks);

// Whether the ranks that matter have all exited 0.
bool SuccessFulfilled(const v1::SuccessPolicy& policy, const RankStatuses& ranks);

enum class Verdict {
  kGoOn,
  kFailed,   // A rank has failed, and that ends the gang.
  kCleanUp,  // It has succeeded; the ranks that still run are to be stopped.
  kEnded,    // Every rank has ended; SuccessFulfilled() says how.
};

// Whether an attempt that was then to be stopped on purpose had failed by itself before that was
// decided: a rank had, by the clock of its host, or all had ended where the others go on. Of an
// attempt that has not succeeded.
bool HadFailed(const v1::JobSpec& spec, const RankStatuses& ranks, absl::Time decided);

// What to do with an attempt that is starting or running. Pure.
Verdict JudgeAttempt(const v1::JobSpec& spec, const RankStatuses& ranks);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_SUCCESS_POLICY_H_
