#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "ctl/client/sure_submit.h"
#include "ctl/cmd/commands.h"
#include "ctl/cmd/session.h"

namespace muster {
namespace {

absl::StatusOr<v1::NodeRange> ParseNodes(const std::string& text) {
  if (text.empty()) {
    return absl::InvalidArgumentError("--nodes is missing: say how many hosts, like 4 or 2:4");
  }
  const std::vector<absl::string_view> ends =
      absl::StrSplit(text, absl::MaxSplits(absl::ByAnyChar(":-"), 1));
  int32_t min = 0;
  int32_t max = 0;
  if (!absl::SimpleAtoi(ends.front(), &min) || !absl::SimpleAtoi(ends.back(), &max) || min < 1 ||
      max < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("--nodes: '", text, "' is not a number of hosts, like 4 or 2:4"));
  }
  if (max < min) {
    return absl::InvalidArgumentError(
        absl::StrCat("--nodes: '", text, "': the maximum, ", max, ", is below the minimum, ", min));
  }
  v1::NodeRange nodes;
  nodes.set_min(min);
  nodes.set_max(max);
  return nodes;
}

std::string HostsText(const v1::NodeRange& nodes) {
  if (nodes.min() != nodes.max()) return absl::StrCat(nodes.min(), " to ", nodes.max(), " hosts");
  return absl::StrCat(nodes.max(), nodes.max() == 1 ? " host" : " hosts");
}

absl::StatusOr<int> Scale(const Invocation& invocation) {
  Session session(invocation);
  v1::ScaleJobRequest request;
  MUSTER_ASSIGN_OR_RETURN(*request.mutable_nodes(), ParseNodes(session.flags().String("nodes")));
  request.set_job_id(session.arguments()[0]);
  request.set_request_id(RandomHex(32));
  MUSTER_ASSIGN_OR_RETURN(ApiClient* const api, session.Api());
  MUSTER_ASSIGN_OR_RETURN(const v1::Job job, ScaleSurely(api, request));
  if (session.format() == Format::kJson || session.format() == Format::kYaml) {
    session.PrintMessage(job);
  } else if (session.quiet() || session.format() == Format::kName) {
    session.out()->Write(absl::StrCat(job.id(), "\n"));
  } else {
    session.out()->Write(absl::StrCat(job.id(), " may have ", HostsText(job.spec().nodes()), "\n"));
  }
  return 0;
}

}  // namespace

const Command& ScaleCommand() {
  static const auto* const kCommand = [] {
    auto* command = new Command;
    command->name = "scale";
    command->usage = "--nodes N|MIN:MAX JOB";
    command->summary = "changes how many hosts a job has";
    command->examples = {
        {"scale --nodes 4 digits-3fa", "stops its ranks and goes on with 4 hosts"},
        {"scale --nodes 2:4 digits-3fa", "what it has will do; it grows to 4 when they are there"},
    };
    command->flags = {
        {"nodes", 'N', FlagType::kString, "N|MIN:MAX", "hosts from now on"},
        OutputFlag(),
        QuietFlag("prints the name alone"),
    };
    command->notes =
        "The gang starts again, as a new attempt that costs no restart, only where its size is\n"
        "outside the range or can grow. 'msctl describe' shows why and when. The job is never "
        "left\n"
        "out here.";
    command->min_arguments = 1;
    command->max_arguments = 1;
    command->run = Scale;
    return command;
  }();
  return *kCommand;
}

}  // namespace muster
