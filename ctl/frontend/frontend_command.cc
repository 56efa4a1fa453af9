#include "ctl/frontend/frontend_command.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "ctl/frontend/frontend.h"

namespace muster {
namespace {

// Only reached behind flags of msctl's own: the originals know none of them.
absl::StatusOr<int> MustComeFirst(const Invocation& invocation) {
  const std::string& name = invocation.command->name;
  return absl::InvalidArgumentError(
      absl::StrCat(name, ": flags of msctl mean nothing to it; write 'msctl ", name, " …'"));
}

const Command* CommandOf(const Frontend& frontend) {
  auto* command = new Command;
  command->name = frontend.name;
  command->aliases = frontend.aliases;
  command->usage = "[FLAG]… SCRIPT [ARGUMENT]…";
  command->summary = frontend.summary;
  command->examples = {
      {absl::StrCat(frontend.name, " --help"), "its flags: those of the original"},
      {absl::StrCat("run -- ", frontend.name, " …"), "the same job on the agents"}};
  command->notes =
      absl::StrCat("Needs no agent. A link to msctl named '", frontend.name, "' does the same.");
  command->first_argument_ends = true;
  command->run = MustComeFirst;
  return command;
}

}  // namespace

const std::vector<const Command*>& FrontendCommands() {
  static const auto* const kCommands = [] {
    auto* commands = new std::vector<const Command*>;
    for (const Frontend* frontend : AllFrontends()) commands->push_back(CommandOf(*frontend));
    return commands;
  }();
  return *kCommands;
}

}  // namespace muster
