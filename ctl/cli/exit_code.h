#ifndef MUSTER_CTL_CLI_EXIT_CODE_H_
#define MUSTER_CTL_CLI_EXIT_CODE_H_

#include <string>

#include "absl/status/status.h"

namespace muster {

// The exit codes that are msctl's own (docs/exit-codes.md). An attached command mirrors its job's
// instead; `-o json` tells the two apart by "source".
enum ExitCode : int {
  kExitOk = 0,
  kExitError = 1,
  kExitUsage = 2,        // The command line or the job file is wrong.
  kExitPlacement = 3,    // No host could ever run the job, or the queue is full.
  kExitForbidden = 4,    // Not authenticated, or not allowed.
  kExitNotFound = 5,     // No such job, node, rank or file.
  kExitUnreachable = 6,  // No agent answers, or it has stopped to.
  kExitTimeout = 7,      // `wait --timeout` has passed.
  kExitInterrupted = 130,
};

// The code for an error that ends a command.
int ExitCodeFor(const absl::Status& status);

// The table, for `msctl help exit-codes`.
std::string ExitCodesText();

}  // namespace muster

#endif  // MUSTER_CTL_CLI_EXIT_CODE_H_
