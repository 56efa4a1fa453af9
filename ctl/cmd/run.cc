#include <unistd.h>

#include <climits>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "ctl/client/address.h"
#include "ctl/client/log_selection.h"
#include "ctl/cmd/attached_run.h"
#include "ctl/cmd/commands.h"
#include "ctl/cmd/launcher_job.h"
#include "ctl/cmd/run_spec.h"
#include "ctl/cmd/session.h"
#include "ctl/spec/spec_writer.h"

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

// What a command line of run asks for.
struct Wanted {
  v1::JobSpec spec;
  LogSelection shown;
  std::optional<std::string> help;  // Of the launcher: nothing runs.
};

LogSelection Shown(const std::vector<int>& ranks, const std::string& role) {
  LogSelection shown;
  shown.role = role;
  for (const int rank : ranks) shown.ranks.push_back({rank, rank});
  if (ranks.empty()) shown.want_stdout = shown.want_stderr = false;
  return shown;
}

void Tell(const Flags& flags, const std::string& line) {
  if (!flags.Bool("quiet")) Output(STDERR_FILENO).Write(absl::StrCat("muster: ", line, "\n"));
}

// What a job file cannot say.
void TellOfShownRanks(const Flags& flags, const std::vector<int>& ranks) {
  constexpr size_t kNamed = 8;
  std::string which = ranks.empty() ? "no rank" : absl::StrCat("rank ", absl::StrJoin(ranks, ","));
  if (ranks.size() > kNamed) which = absl::StrCat(ranks.size(), " ranks");
  Tell(flags, absl::StrCat("the launcher shows the output of ", which,
                           " only; a job file does not say so, msctl logs --rank does"));
}

// The command itself, or where it calls a launcher that Muster knows, the job that it means. Not
// completed yet.
absl::StatusOr<Wanted> ReadCommand(const Invocation& invocation) {
  const Flags& flags = invocation.flags;
  const std::string current_dir = CurrentDir();
  Wanted wanted;
  std::optional<FrontendJob> job;
  if (!flags.Bool("as_is")) {
    MUSTER_ASSIGN_OR_RETURN(
        job, LauncherJob(flags, invocation.arguments, current_dir, OwnEnvironment()));
  }
  if (!job) {
    wanted.spec = CommandSpec(invocation.arguments, current_dir);
    MUSTER_RETURN_IF_ERROR(ApplyRunFlags(flags, current_dir, GetEnv, &wanted.spec));
    return wanted;
  }
  wanted.help = job->help;
  if (wanted.help) return wanted;
  for (const std::string& note : job->notes) Tell(flags, note);
  if (flags.Bool("print_yaml") && job->shown_ranks) TellOfShownRanks(flags, *job->shown_ranks);
  wanted.spec = job->spec;
  if (job->shown_ranks) wanted.shown = Shown(*job->shown_ranks, job->shown_role);
  return wanted;
}

absl::StatusOr<int> RunHere(const Invocation& invocation, const Wanted& wanted,
                            const std::string& notice) {
  MUSTER_RETURN_IF_ERROR(CheckLocal(wanted.spec));
  return RunLocally(invocation, wanted.spec, notice, wanted.shown);
}

absl::StatusOr<int> Run(const Invocation& invocation) {
  const Flags& flags = invocation.flags;
  if (flags.Bool("agent") && flags.Bool("local")) {
    return absl::InvalidArgumentError("--agent and --local exclude each other");
  }
  MUSTER_ASSIGN_OR_RETURN(Wanted wanted, ReadCommand(invocation));
  if (wanted.help) {
    Output(STDOUT_FILENO).Write(*wanted.help);
    return 0;
  }
  if (flags.Bool("print_yaml")) {
    v1::JobSpec checked = wanted.spec;
    MUSTER_RETURN_IF_ERROR(FinishRunSpec(&checked));
    Output(STDOUT_FILENO).Write(WriteJobFile(wanted.spec));
    return 0;
  }
  MUSTER_RETURN_IF_ERROR(FinishRunSpec(&wanted.spec));
  TellOfEmptyStdin(flags);
  if (flags.Bool("local")) return RunHere(invocation, wanted, "running locally");
  const std::string address = ResolveAddress(flags.String("address"), GetEnv);
  const absl::Status agent = ProbeAddress(address);
  // An agent that is there and says no is not gone around.
  if (absl::IsUnavailable(agent) && !flags.Bool("agent")) {
    return RunHere(invocation, wanted, absl::StrCat("no agent at ", address, ", running locally"));
  }
  MUSTER_RETURN_IF_ERROR(agent);
  Tell(flags, absl::StrCat("running through the agent at ", address));
  return RunAttached(invocation, wanted.spec, wanted.shown);
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
        {"run -- torchrun --nnodes=2 --nproc_per_node=8 train.py", "what the launcher would do"},
        {"run --print-yaml -- msrun --worker_num=8 net.py", "the same as a job file"},
    };
    command->flags = RunSpecFlags();
    const std::vector<FlagSpec> more = {
        {"agent", 0, FlagType::kBool, "", "through the agent, or not at all"},
        {"local", 0, FlagType::kBool, "", "in this process, without an agent"},
        {"as_is", 0, FlagType::kBool, "",
         "runs the command itself, also where Muster knows that launcher"},
        {"print_yaml", 0, FlagType::kBool, "", "writes the job file and runs nothing"},
        {"shim_path", 0, FlagType::kString, "FILE", "the msshim of a local run"},
        OutputFlag("table|json|yaml"),
        QuietFlag("shows nothing but the ranks' output"),
    };
    command->flags.insert(command->flags.end(), more.begin(), more.end());
    for (const FlagSpec& flag : AttachFlags()) command->flags.push_back(flag);
    command->notes =
        "A command that calls msrun, torchrun or paddle.distributed.launch becomes the job that "
        "it\n"
        "means: the launcher's flags say how many ranks run, Muster starts them.\n\n"
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
