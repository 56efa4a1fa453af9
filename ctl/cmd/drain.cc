#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "ctl/cmd/commands.h"
#include "ctl/cmd/node_answer.h"
#include "ctl/cmd/session.h"

namespace muster {
namespace {

absl::StatusOr<int> Drain(const Invocation& invocation) {
  Session session(invocation);
  MUSTER_ASSIGN_OR_RETURN(ApiClient* const api, session.Api());
  for (const std::string& name : session.arguments()) {
    v1::DrainNodeRequest request;
    request.set_node(name);
    request.set_reason(session.flags().String("reason"));
    request.set_now(session.flags().Bool("now"));
    request.set_confirm_dead(session.flags().Bool("dead"));
    MUSTER_ASSIGN_OR_RETURN(const v1::Node node, api->DrainNode(request));
    PrintNodeAnswer(node.jobs().empty() ? "is drained"
                                        : absl::StrCat("is draining: ", node.jobs_size(),
                                                       node.jobs_size() == 1 ? " job" : " jobs"),
                    node, &session);
  }
  return 0;
}

}  // namespace

const Command& DrainCommand() {
  static const auto* const kCommand = [] {
    auto* command = new Command;
    command->name = "drain";
    command->usage = "[--now] [--reason TEXT] NODE…";
    command->summary = "empties nodes";
    command->examples = {
        {"drain node-7 --reason \"new memory\"", "its jobs run to their end, none is added"},
        {"drain --now node-7", "its jobs are stopped and start elsewhere"},
        {"drain --dead node-7", "it is lost and will not return: jobs need not wait for it"},
    };
    command->flags = {
        {"now", 0, FlagType::kBool, "", "moves its jobs away; costs them no restart"},
        {"dead", 0, FlagType::kBool, "",
         "you vouch that the lost host is off: what ran there does not run any more"},
        {"reason", 0, FlagType::kString, "TEXT", "is shown with the node"},
        OutputFlag(),
        QuietFlag("prints names alone"),
    };
    command->notes =
        "'msctl get nodes' shows 'drained' when a node is empty; 'msctl uncordon' ends it.";
    command->min_arguments = 1;
    command->run = Drain;
    return command;
  }();
  return *kCommand;
}

}  // namespace muster
