#ifndef MUSTER_CTL_FRONTEND_TORCHRUN_ERROR_FILE_H_
#define MUSTER_CTL_FRONTEND_TORCHRUN_ERROR_FILE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace muster {

// What a worker that torch's `record` decorates wrote about its exception.
struct WorkerError {
  std::string message;    // Its traceback, where it has one.
  int64_t unix_time = 0;  // 0: it does not say.
};

// The two forms that torch writes: {"message": {"message": …, "extraInfo": {"py_callstack": …,
// "timestamp": …}}} and {"message": "…", "timestamp": …}. Absent: not one of them. torch 1.13.1,
// torch/distributed/elastic/multiprocessing/errors/__init__.py, ProcessFailure.
std::optional<WorkerError> ParseWorkerError(absl::string_view json);

// The error file `json` of a worker that ended with `exit_code`, for whoever started this launcher
// and gave it an error file of its own; torch 1.13.1,
// torch/distributed/elastic/multiprocessing/errors/error_handler.py, dump_error_file().
std::string ErrorFileForParent(absl::string_view json, int exit_code);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_TORCHRUN_ERROR_FILE_H_
