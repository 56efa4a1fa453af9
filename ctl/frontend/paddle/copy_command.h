#ifndef MUSTER_CTL_FRONTEND_PADDLE_COPY_COMMAND_H_
#define MUSTER_CTL_FRONTEND_PADDLE_COPY_COMMAND_H_

#include <string>

#include "absl/strings/string_view.h"
#include "ctl/frontend/frontend.h"

namespace muster {

// "Copy the following command to other nodes to run.", with what the user typed between two rules:
// quoted for a shell, and `--master` put in.
std::string CopyCommandBlock(const FrontendCall& call, absl::string_view master);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_COPY_COMMAND_H_
