#ifndef MUSTER_CTL_VIEW_VERDICT_H_
#define MUSTER_CTL_VIEW_VERDICT_H_

#include <string>

#include "ctl/view/terminal.h"
#include "muster/v1/job.pb.h"

namespace muster {

// What an attached command says last: the state, the first cause, its fallout, where to look on.
// `has_logs`: the job's output can still be asked for (an agent keeps it, a local run does not).
std::string VerdictText(const v1::Job& job, const Terminal& terminal, bool has_logs);

// The exit code of a command that mirrors `job`, which is final.
int MirroredExitCode(const v1::Job& job);

// {"source": "job", "exit_code": …, "job": {…}}: the result of an attached command as JSON.
std::string ResultJson(const v1::Job& job, int exit_code);

}  // namespace muster

#endif  // MUSTER_CTL_VIEW_VERDICT_H_
