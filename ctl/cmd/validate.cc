#include <string>

#include "absl/strings/str_cat.h"
#include "common/job/rank_map.h"
#include "ctl/cli/exit_code.h"
#include "ctl/cmd/commands.h"
#include "ctl/cmd/session.h"
#include "ctl/spec/spec_loader.h"
#include "ctl/spec/spec_writer.h"
#include "ctl/view/error_text.h"
#include "ctl/view/words.h"

namespace muster {
namespace {

absl::StatusOr<int> Validate(const Invocation& invocation) {
  Session session(invocation);
  int result = 0;
  for (const std::string& file : session.arguments()) {
    const absl::StatusOr<v1::JobSpec> spec = LoadJobFile(file);
    if (!spec.ok()) {
      session.err()->Write(ErrorText(spec.status(), session.err_terminal(), /*raw=*/false));
      if (result == 0) result = ExitCodeFor(spec.status());
      continue;
    }
    if (session.format() == Format::kYaml) {
      session.out()->Write(WriteJobFile(*spec));  // A job file again.
    } else if (session.format() == Format::kJson) {
      session.PrintMessage(*spec);
    } else if (!session.quiet()) {
      const int nodes = spec->nodes().min();
      session.out()->Write(absl::StrCat(
          file, ": ok: ", spec->name(), ", contract ", spec->contract(), ", ",
          Count(TotalRanks(*spec, nodes), "rank"), " on ", Count(nodes, "node"), "\n"));
    }
  }
  return result;
}

}  // namespace

const Command& ValidateCommand() {
  static const auto* const kCommand = [] {
    auto* command = new Command;
    command->name = "validate";
    command->usage = "FILE…";
    command->summary = "checks job files, without any agent";
    command->examples = {{"validate job.yaml", "every fault with its line"},
                         {"validate -o yaml job.yaml", "with all defaults filled in"}};
    command->flags = {OutputFlag("table|json|yaml"), QuietFlag("prints faults alone")};
    command->min_arguments = 1;
    command->run = Validate;
    return command;
  }();
  return *kCommand;
}

}  // namespace muster
