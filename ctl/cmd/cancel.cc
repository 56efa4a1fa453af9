#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "ctl/client/job_watcher.h"
#include "ctl/cmd/commands.h"
#include "ctl/cmd/session.h"
#include "ctl/view/words.h"

namespace muster {
namespace {

absl::StatusOr<int> Cancel(const Invocation& invocation) {
  Session session(invocation);
  MUSTER_ASSIGN_OR_RETURN(ApiClient* const api, session.Api());
  for (const std::string& id : session.arguments()) {
    MUSTER_ASSIGN_OR_RETURN(const v1::Job job,
                            api->CancelJob(id, session.flags().String("reason")));
    if (session.format() == Format::kJson || session.format() == Format::kYaml) {
      session.PrintMessage(job);
    } else if (session.quiet() || session.format() == Format::kName) {
      session.out()->Write(absl::StrCat(job.id(), "\n"));
    } else if (IsFinal(job.status().state())) {
      session.out()->Write(absl::StrCat(job.id(), " is ", StateWord(job.status().state()), "\n"));
    } else {
      session.out()->Write(absl::StrCat(job.id(), " is being cancelled\n"));
    }
  }
  return 0;
}

}  // namespace

const Command& CancelCommand() {
  static const auto* const kCommand = [] {
    auto* command = new Command;
    command->name = "cancel";
    command->aliases = {"kill"};
    command->usage = "[--reason TEXT] JOB…";
    command->summary = "ends jobs";
    command->examples = {{"cancel digits-3fa", "SIGTERM, the job's grace, SIGKILL"}};
    command->flags = {
        {"reason", 0, FlagType::kString, "TEXT", "is shown with the job"},
        OutputFlag(),
        QuietFlag("prints names alone"),
    };
    command->notes = "A job that has ended stays as it is. The job is never left out here.";
    command->min_arguments = 1;
    command->run = Cancel;
    return command;
  }();
  return *kCommand;
}

}  // namespace muster
