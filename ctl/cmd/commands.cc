#include "ctl/cmd/commands.h"

namespace muster {

const std::vector<const Command*>& AllCommands() {
  static const auto* const kCommands = new std::vector<const Command*>{
      &SubmitCommand(),   &RunCommand(),       &GetCommand(),     &DescribeCommand(),
      &LogsCommand(),     &WaitCommand(),      &CancelCommand(),  &RenderCommand(),
      &ValidateCommand(), &RankTableCommand(), &VersionCommand(), &HelpCommand(),
  };
  return *kCommands;
}

}  // namespace muster
