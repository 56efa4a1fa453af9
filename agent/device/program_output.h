#ifndef MUSTER_AGENT_DEVICE_PROGRAM_OUTPUT_H_
#define MUSTER_AGENT_DEVICE_PROGRAM_OUTPUT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace muster {

// Runs `argv` (looked up in PATH) with stdin and stderr on /dev/null and returns what it printed.
// Blocking, at most `timeout` (then it is killed: DEADLINE_EXCEEDED). NOT_FOUND: no such program.
// RESOURCE_EXHAUSTED: it printed more than 1 MiB. INTERNAL: it failed. Leaves no child behind.
absl::StatusOr<std::string> ProgramOutput(const std::vector<std::string>& argv,
                                          absl::Duration timeout);

// How a program ended by itself.
struct ProgramEnd {
  std::string output;
  int wait_status = 0;  // As waitpid(2) gives it.
};

// As ProgramOutput, where a failure of the program is an answer too: never INTERNAL.
absl::StatusOr<ProgramEnd> RunProgram(const std::vector<std::string>& argv, absl::Duration timeout);

}  // namespace muster

#endif  // MUSTER_AGENT_DEVICE_PROGRAM_OUTPUT_H_
