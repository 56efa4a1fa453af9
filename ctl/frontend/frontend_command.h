#ifndef MUSTER_CTL_FRONTEND_FRONTEND_COMMAND_H_
#define MUSTER_CTL_FRONTEND_FRONTEND_COMMAND_H_

#include <vector>

#include "ctl/cli/command.h"

namespace muster {

// The front ends as verbs, for `msctl help`. They take their command lines apart themselves, before
// msctl does (RunFrontend).
const std::vector<const Command*>& FrontendCommands();

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_FRONTEND_COMMAND_H_
