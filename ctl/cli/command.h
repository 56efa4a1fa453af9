#ifndef MUSTER_CTL_CLI_COMMAND_H_
#define MUSTER_CTL_CLI_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ctl/cli/flags.h"

namespace muster {

struct Command;

// One call of msctl, taken apart.
struct Invocation {
  const Command* command = nullptr;
  Flags flags;  // The verb's and the global ones.
  std::vector<std::string> arguments;
};

struct Example {
  std::string line;
  std::string what;
};

// One verb: everything that parsing, help and dispatch need to know of it.
struct Command {
  std::string name;
  std::vector<std::string> aliases;
  std::string usage;  // What follows the name: "[JOB]…".
  std::string summary;
  std::vector<Example> examples;
  std::vector<FlagSpec> flags;
  std::string notes;  // Paragraphs below the flags.
  int min_arguments = 0;
  int max_arguments = -1;  // -1: any number.
  bool first_argument_ends = false;
  // Returns the exit code; an error is printed and mapped by the caller.
  absl::StatusOr<int> (*run)(const Invocation& invocation) = nullptr;
};

// Flags that every verb takes.
const std::vector<FlagSpec>& GlobalFlags();
// The verb's flags and the global ones.
std::vector<FlagSpec> AllFlagsOf(const Command& command);

// What a command line asks for.
struct ParsedLine {
  Invocation invocation;
  bool help = false;  // -h, --help, or no verb at all.
};

// Splits `words` (without the program's name). INVALID_ARGUMENT: an unknown verb or flag, with the
// nearest one as the hint, or a wrong number of arguments.
absl::StatusOr<ParsedLine> ParseCommandLine(const std::vector<const Command*>& commands,
                                            const std::vector<std::string>& words);

// By name or alias; nullptr when there is none.
const Command* FindCommand(const std::vector<const Command*>& commands, const std::string& name);

// What stands behind "did you mean": one verb, or "".
std::string NearestCommand(const std::vector<const Command*>& commands, const std::string& name);

}  // namespace muster

#endif  // MUSTER_CTL_CLI_COMMAND_H_
