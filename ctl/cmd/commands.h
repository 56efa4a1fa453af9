#ifndef MUSTER_CTL_CMD_COMMANDS_H_
#define MUSTER_CTL_CMD_COMMANDS_H_

#include <vector>

#include "ctl/cli/command.h"

namespace muster {

// Every verb, in the order in which help shows them. A new one is a file of its own and a line
// here.
const std::vector<const Command*>& AllCommands();

const Command& SubmitCommand();
const Command& RunCommand();
const Command& GetCommand();
const Command& DescribeCommand();
const Command& LogsCommand();
const Command& WaitCommand();
const Command& CancelCommand();
const Command& ScaleCommand();
const Command& CordonCommand();
const Command& UncordonCommand();
const Command& DrainCommand();
const Command& RenderCommand();
const Command& ValidateCommand();
const Command& RankTableCommand();
const Command& VersionCommand();
const Command& HelpCommand();

}  // namespace muster

#endif  // MUSTER_CTL_CMD_COMMANDS_H_
