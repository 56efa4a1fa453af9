#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "ctl/cmd/commands.h"
#include "ctl/cmd/node_answer.h"
#include "ctl/cmd/session.h"

namespace muster {
namespace {

absl::StatusOr<int> Uncordon(const Invocation& invocation) {
  Session session(invocation);
  MUSTER_ASSIGN_OR_RETURN(ApiClient* const api, session.Api());
  for (const std::string& name : session.arguments()) {
    v1::UncordonNodeRequest request;
    request.set_node(name);
    MUSTER_ASSIGN_OR_RETURN(const v1::Node node, api->UncordonNode(request));
    PrintNodeAnswer("takes work again", node, &session);
  }
  return 0;
}

}  // namespace

const Command& UncordonCommand() {
  static const auto* const kCommand = [] {
    auto* command = new Command;
    command->name = "uncordon";
    command->usage = "NODE…";
    command->summary = "lets work on nodes again";
    command->examples = {
        {"uncordon node-7", "after a cordon or a drain"},
    };
    command->flags = {
        OutputFlag(),
        QuietFlag("prints names alone"),
    };
    command->notes = "A node that is not connected takes work when it is.";
    command->min_arguments = 1;
    command->run = Uncordon;
    return command;
  }();
  return *kCommand;
}

}  // namespace muster
