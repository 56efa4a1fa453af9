#include <unistd.h>

#include <climits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "ctl/client/address.h"
#include "ctl/cmd/attached_run.h"
#include "ctl/cmd/commands.h"
#include "ctl/cmd/run_spec.h"
#include "ctl/cmd/session.h"

namespace muster {
namespace {

std::string CurrentDir() {
  char path[PATH_MAX];
  return getcwd(path, sizeof(path)) == nullptr ? "/" : path;
}

absl::Status CheckLocal(const v1::JobSpec& spec) {
  if (spec.nodes().min() <= 1) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--nodes=", spec.nodes().min(),
                                                 ": without an agent there is one host, this one"));
}

// Who asks for a terminal may expect to type into it.
void TellOfEmptyStdin(const Flags& flags) {
  if (!flags.Bool("tty") || flags.Bool("quiet") || isatty(STDIN_FILENO) == 0) return;
  Output(STDERR_FILENO)
      .Write(
          "muster: --tty gives the ranks a terminal to write to; what is typed here does not "
          "reach them\n");
}

absl::StatusOr<int> Run(const Invocation& invocation) {
  const Flags& flags = invocation.flags;
  if (flags.Bool("agent") && flags.Bool("local")) {
    return absl::InvalidArgumentError("--agent and --local exclude each other");
  }
  MUSTER_ASSIGN_OR_RETURN(const v1::JobSpec spec,
                          RunSpec(flags, invocation.arguments, CurrentDir(), GetEnv));
  TellOfEmptyStdin(flags);
  if (flags.Bool("local")) {
    MUSTER_RETURN_IF_ERROR(CheckLocal(spec));
    return RunLocally(invocation, spec, "running locally");
  }
  const std::string address = ResolveAddress(flags.String("address"), GetEnv);
  const absl::Status agent = ProbeAddress(address);
  // An agent that is there and says no is not gone around.
  if (absl::IsUnavailable(agent) && !flags.Bool("agent")) {
    MUSTER_RETURN_IF_ERROR(CheckLocal(spec));
    return RunLocally(invocation, spec, absl::StrCat("no agent at ", address, ", running locally"));
  }
  MUSTER_RETURN_IF_ERROR(agent);
  if (!flags.Bool("quiet")) {
    const std::string line = absl::StrCat("muster: running through the agent at ", address, "\n");
    Output(STDERR_FILENO).Write(line);
  }
  return RunAttached(invocation, spec);
}

}  // namespace

const Command& RunCommand() {
  static const auto* const kCommand = [] {
    auto* command = new Command;
    command->name = "run";
    command->usage = "[FLAGS] [--] COMMAND [ARGUMENT]…";
    command->summary = "runs a command as a job, attached";
    command->examples = {
        {"run --nproc 4 --contract torch -- python3 train.py", "four ranks that find each other"},
        {"run --nproc 8 --devices nvidia:1 -- ./train", "one device each"},
        {"run --local -- ./probe", "without any agent"},
    };
    command->flags = RunSpecFlags();
    const std::vector<FlagSpec> more = {
        {"agent", 0, FlagType::kBool, "", "through the agent, or not at all"},
        {"local", 0, FlagType::kBool, "", "in this process, without an agent"},
        {"shim_path", 0, FlagType::kString, "FILE", "the msshim of a local run"},
        OutputFlag("table|json|yaml"),
        QuietFlag("shows nothing but the ranks' output"),
    };
    command->flags.insert(command->flags.end(), more.begin(), more.end());
    for (const FlagSpec& flag : AttachFlags()) command->flags.push_back(flag);
    command->notes =
        "Goes through the agent if one answers, else runs in this process; a line on stderr says\n"
        "which. Ends with the exit code of the rank that failed first. Ctrl-C detaches from a job\n"
        "behind an agent, and stops a local run. The ranks' standard input is empty (/dev/null), "
        "also\nwith --tty.";
    command->min_arguments = 1;
    command->first_argument_ends = true;
    command->run = Run;
    return command;
  }();
  return *kCommand;
}

}  // namespace muster
