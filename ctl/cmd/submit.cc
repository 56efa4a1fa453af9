#include <string>
#include <vector>

#include "common/base/status.h"
#include "ctl/cmd/attached_run.h"
#include "ctl/cmd/commands.h"
#include "ctl/cmd/session.h"
#include "ctl/spec/spec_loader.h"

namespace muster {
namespace {

absl::StatusOr<int> Submit(const Invocation& invocation) {
  MUSTER_ASSIGN_OR_RETURN(const v1::JobSpec spec, LoadJobFile(invocation.arguments[0]));
  if (invocation.flags.Bool("follow") && !invocation.flags.Bool("detach")) {
    return RunAttached(invocation, spec);
  }
  return SubmitOnly(invocation, spec);
}

}  // namespace

const Command& SubmitCommand() {
  static const auto* const kCommand = [] {
    auto* command = new Command;
    command->name = "submit";
    command->usage = "[--follow|--detach] FILE|-";
    command->summary = "hands a job over and prints its name";
    command->examples = {
        {"submit job.yaml", "queues the job, returns at once"},
        {"submit --follow job.yaml", "stays attached; ends with the job's exit code"},
        {"wait $(msctl submit -q job.yaml)", "for scripts"},
        {"submit - < job.yaml", "reads the file from standard input"},
    };
    command->flags = {
        {"follow", 'f', FlagType::kBool, "", "stays attached until the job has ended"},
        {"detach", 'd', FlagType::kBool, "", "returns once the job is safe (the default)"},
        OutputFlag(),
        QuietFlag("prints the job's name and nothing else"),
    };
    for (const FlagSpec& flag : AttachFlags()) command->flags.push_back(flag);
    command->notes =
        "The job's name goes to stdout. Attached, Ctrl-C detaches and leaves the job running; a\n"
        "second one within two seconds cancels it.";
    command->min_arguments = 1;
    command->max_arguments = 1;
    command->run = Submit;
    return command;
  }();
  return *kCommand;
}

}  // namespace muster
