#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "ctl/cmd/commands.h"
#include "ctl/cmd/node_answer.h"
#include "ctl/cmd/session.h"

namespace muster {
namespace {

absl::StatusOr<int> Cordon(const Invocation& invocation) {
  Session session(invocation);
  MUSTER_ASSIGN_OR_RETURN(ApiClient* const api, session.Api());
  for (const std::string& name : session.arguments()) {
    v1::CordonNodeRequest request;
    request.set_node(name);
    request.set_reason(session.flags().String("reason"));
    MUSTER_ASSIGN_OR_RETURN(const v1::Node node, api->CordonNode(request));
    PrintNodeAnswer("takes no new work", node, &session);
  }
  return 0;
}

}  // namespace

const Command& CordonCommand() {
  static const auto* const kCommand = [] {
    auto* command = new Command;
    command->name = "cordon";
    command->usage = "[--reason TEXT] NODE…";
    command->summary = "keeps new work away from nodes";
    command->examples = {
        {"cordon node-7 --reason \"bad cable\"", "what runs there goes on"},
    };
    command->flags = {
        {"reason", 0, FlagType::kString, "TEXT", "is shown with the node"},
        OutputFlag(),
        QuietFlag("prints names alone"),
    };
    command->notes = "'msctl uncordon' lets work on them again.";
    command->min_arguments = 1;
    command->run = Cordon;
    return command;
  }();
  return *kCommand;
}

}  // namespace muster
