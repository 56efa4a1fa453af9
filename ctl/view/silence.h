#ifndef MUSTER_CTL_VIEW_SILENCE_H_
#define MUSTER_CTL_VIEW_SILENCE_H_

#include <string>

#include "ctl/client/log_selection.h"
#include "muster/v1/job.pb.h"

namespace muster {

// What `logs` says in place of output that is not there, without a line end: "ranks 0-3 of job x
// have written nothing to stderr yet; the job is queued: …", or "job x wrote nothing". `attempt`:
// the one that was asked for, -1 for the last.
std::string SilenceText(const v1::Job& job, int attempt, const LogSelection& selection);

}  // namespace muster

#endif  // MUSTER_CTL_VIEW_SILENCE_H_
