#include "ctl/cmd/commands.h"

#include "ctl/frontend/frontend_command.h"

namespace muster {

const std::vector<const Command*>& AllCommands() {
  static const auto* const kCommands = [] {
    auto* commands = new std::vector<const Command*>{
        &SubmitCommand(),   &RunCommand(),       &GetCommand(),     &DescribeCommand(),
        &LogsCommand(),     &WaitCommand(),      &CancelCommand(),  &ScaleCommand(),
        &CordonCommand(),   &UncordonCommand(),  &DrainCommand(),   &RenderCommand(),
        &ValidateCommand(), &RankTableCommand(), &VersionCommand(), &HelpCommand(),
    };
    commands->insert(commands->end(), FrontendCommands().begin(), FrontendCommands().end());
    return commands;
  }();
  return *kCommands;
}

}  // namespace muster
