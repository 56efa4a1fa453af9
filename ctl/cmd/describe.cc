#include "ctl/view/describe.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "ctl/cmd/commands.h"
#include "ctl/cmd/session.h"

namespace muster {
namespace {

absl::Status DescribeOneJob(Session* session, size_t argument) {
  MUSTER_ASSIGN_OR_RETURN(const std::string id, session->JobArgument(argument));
  MUSTER_ASSIGN_OR_RETURN(ApiClient* const api, session->Api());
  MUSTER_ASSIGN_OR_RETURN(const v1::Job job, api->GetJob(id));
  if (session->format() == Format::kTable) {
    session->out()->Write(DescribeJob(job, absl::Now()));
  } else if (session->format() == Format::kName) {
    session->out()->Write(absl::StrCat(job.id(), "\n"));
  } else {
    session->PrintMessage(job);
  }
  return absl::OkStatus();
}

absl::Status DescribeOneNode(Session* session, const std::string& name) {
  MUSTER_ASSIGN_OR_RETURN(ApiClient* const api, session->Api());
  MUSTER_ASSIGN_OR_RETURN(const v1::ListNodesResponse nodes, api->ListNodes());
  for (const v1::Node& node : nodes.nodes()) {
    if (node.info().name() != name && node.info().id() != name) continue;
    if (session->format() == Format::kTable) {
      session->out()->Write(DescribeNode(node, absl::Now()));
    } else if (session->format() == Format::kName) {
      session->out()->Write(absl::StrCat(node.info().name(), "\n"));
    } else {
      session->PrintMessage(node);
    }
    return absl::OkStatus();
  }
  return absl::NotFoundError(absl::StrCat("node '", name, "': no such node"));
}

absl::StatusOr<int> Describe(const Invocation& invocation) {
  Session session(invocation);
  const auto& words = invocation.arguments;
  const std::string noun = words.empty() ? "" : words[0];
  if ((noun == "node" || noun == "nodes" || noun == "n") && words.size() == 2) {
    MUSTER_RETURN_IF_ERROR(DescribeOneNode(&session, words[1]));
    return 0;
  }
  // 'describe X' means job X.
  const bool has_noun = noun == "job" || noun == "jobs" || noun == "j";
  if (words.size() > 1 && !has_noun) {
    return absl::InvalidArgumentError(absl::StrCat("'", noun, "' is neither job nor node"));
  }
  MUSTER_RETURN_IF_ERROR(DescribeOneJob(&session, has_noun ? 1 : 0));
  return 0;
}

}  // namespace

const Command& DescribeCommand() {
  static const auto* const kCommand = [] {
    auto* command = new Command;
    command->name = "describe";
    command->usage = "[job] [JOB] | node NODE";
    command->summary = "says all that is known of a job or a node";
    command->examples = {
        {"describe", "the last job you submitted"},
        {"describe job digits-3fa", "by a unique prefix of its id"},
        {"describe node node-1", "devices, and who holds them"},
    };
    command->flags = {OutputFlag()};
    command->max_arguments = 2;
    command->run = Describe;
    return command;
  }();
  return *kCommand;
}

}  // namespace muster
