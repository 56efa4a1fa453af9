#include "ctl/cli/help.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/rpc/error_details.h"
#include "ctl/cli/exit_code.h"
#include "ctl/cmd/commands.h"
#include "ctl/cmd/session.h"

namespace muster {
namespace {

absl::StatusOr<int> Help(const Invocation& invocation) {
  Session session(invocation);
  if (invocation.arguments.empty()) {
    session.out()->Write(HelpText(AllCommands()));
    return 0;
  }
  const std::string& topic = invocation.arguments[0];
  if (topic == "exit-codes" || topic == "exit_codes") {
    session.out()->Write(ExitCodesText());
    return 0;
  }
  const Command* command = FindCommand(AllCommands(), topic);
  if (command == nullptr) {
    const std::string nearest = NearestCommand(AllCommands(), topic);
    return WithDetail(absl::InvalidArgumentError(absl::StrCat("no help for '", topic, "'")),
                      "UNKNOWN_TOPIC", "",
                      nearest.empty() ? "'msctl help' lists the commands"
                                      : absl::StrCat("did you mean 'msctl help ", nearest, "'?"));
  }
  session.out()->Write(CommandHelpText(*command));
  return 0;
}

}  // namespace

const Command& HelpCommand() {
  static const auto* const kCommand = [] {
    auto* command = new Command;
    command->name = "help";
    command->usage = "[COMMAND|exit-codes]";
    command->summary = "explains a command";
    command->examples = {{"help submit", "one command"},
                         {"help exit-codes", "what msctl ends with"}};
    command->max_arguments = 1;
    command->run = Help;
    return command;
  }();
  return *kCommand;
}

}  // namespace muster
