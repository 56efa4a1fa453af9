#ifndef MUSTER_CTL_CLI_HELP_H_
#define MUSTER_CTL_CLI_HELP_H_

#include <string>
#include <vector>

#include "ctl/cli/command.h"

namespace muster {

// What `msctl` alone shows: the two lines everybody needs, then every verb.
std::string HelpText(const std::vector<const Command*>& commands);

// One verb's help, examples first.
std::string CommandHelpText(const Command& command);

}  // namespace muster

#endif  // MUSTER_CTL_CLI_HELP_H_
