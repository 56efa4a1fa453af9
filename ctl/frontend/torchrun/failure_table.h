#ifndef MUSTER_CTL_FRONTEND_TORCHRUN_FAILURE_TABLE_H_
#define MUSTER_CTL_FRONTEND_TORCHRUN_FAILURE_TABLE_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "ctl/frontend/torchrun/messages.h"

namespace muster {

// What torchrun prints at the end of a job that failed, in the very form that scripts look for.
// `root` is the failure that was observed first, on whatever host; `others` are this host's.
// torch 1.13.1, torch/distributed/elastic/multiprocessing/errors/__init__.py, ChildFailedError.
std::string FailureTable(const std::string& title, const WorkerFailure& root,
                         const std::vector<WorkerFailure>& others, absl::TimeZone zone);

// What the table says of a worker that wrote no error file.
std::string MessageWithoutErrorFile(int exit_code, int pid);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_TORCHRUN_FAILURE_TABLE_H_
