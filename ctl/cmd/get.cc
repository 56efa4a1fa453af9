#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/rpc/error_details.h"
#include "ctl/client/job_watcher.h"
#include "ctl/cmd/commands.h"
#include "ctl/cmd/session.h"
#include "ctl/view/describe.h"
#include "ctl/view/table.h"
#include "ctl/view/words.h"

namespace muster {
namespace {

// All pages, or the jobs that were named.
absl::StatusOr<v1::ListJobsResponse> FetchJobs(Session* session) {
  MUSTER_ASSIGN_OR_RETURN(ApiClient* const api, session->Api());
  v1::ListJobsResponse all;
  for (size_t i = 1; i < session->arguments().size(); ++i) {
    MUSTER_ASSIGN_OR_RETURN(*all.add_jobs(), api->GetJob(session->arguments()[i]));
  }
  if (session->arguments().size() > 1) return all;
  const int64_t limit = session->flags().Int("limit", 1000);
  v1::ListJobsRequest request;
  do {
    request.set_page_size(static_cast<int32_t>(std::min<int64_t>(1000, limit - all.jobs_size())));
    MUSTER_ASSIGN_OR_RETURN(v1::ListJobsResponse page, api->ListJobs(request));
    for (v1::Job& job : *page.mutable_jobs()) all.add_jobs()->Swap(&job);
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() && all.jobs_size() < limit);
  return all;
}

std::string JobTable(const v1::ListJobsResponse& jobs, absl::Time now) {
  Table table({"JOB", "STATE", "CONTRACT", "RANKS", "RESTARTS", "EXIT", "AGE", "OWNER", "REASON"});
  for (const v1::Job& job : jobs.jobs()) {
    const v1::JobStatus& status = job.status();
    const int ranks = status.attempts().empty() ? 0 : status.attempts().rbegin()->ranks_size();
    const bool final = IsFinal(status.state());
    table.Add({job.id(), absl::AsciiStrToUpper(StateWord(status.state())), job.spec().contract(),
               ranks == 0 ? "" : absl::StrCat(ranks), absl::StrCat(status.restarts()),
               final ? absl::StrCat(status.exit_code()) : "", AgeSince(status.submit_time(), now),
               status.owner(), status.reason()});
  }
  return table.empty() ? "" : table.Text();
}

absl::Status GetJobs(Session* session) {
  MUSTER_ASSIGN_OR_RETURN(const v1::ListJobsResponse jobs, FetchJobs(session));
  if (session->format() == Format::kName || session->quiet()) {
    for (const v1::Job& job : jobs.jobs()) session->out()->Write(absl::StrCat(job.id(), "\n"));
  } else if (session->format() != Format::kTable) {
    session->PrintMessage(jobs);
  } else if (jobs.jobs().empty()) {
    session->err()->Write("no jobs yet; 'msctl submit job.yaml' makes one\n");
  } else {
    session->out()->Write(JobTable(jobs, absl::Now()));
  }
  return absl::OkStatus();
}

// Why the node takes no work, or less than it might.
std::string ReasonOf(const v1::Node& node) {
  std::string reason = node.reason();
  int unwell = 0;
  for (const v1::Device& device : node.info().devices()) {
    if (device.healthy()) continue;
    if (++unwell > 1) continue;
    absl::StrAppend(&reason, reason.empty() ? "" : "; ", device.kind(), " ", device.physical(),
                    ": ", device.health_reason());
  }
  if (unwell > 1) absl::StrAppend(&reason, " (and ", unwell - 1, " more)");
  return reason;
}

std::string NodeTable(const v1::ListNodesResponse& nodes, absl::Time now) {
  Table table(
      {"NODE", "STATE", "DEVICES", "IN USE", "CPUS", "ADDRESS", "VERSION", "SEEN", "REASON"});
  for (const v1::Node& node : nodes.nodes()) {
    std::string state = absl::AsciiStrToUpper(StateWord(node.state()));
    if (node.cordoned()) absl::StrAppend(&state, ",CORDONED");
    table.Add({node.info().name(), state, DeviceCounts(node, false), DeviceCounts(node, true),
               absl::StrCat(node.info().cpus()), node.info().address(), node.info().version(),
               AgeSince(node.last_heartbeat(), now), ReasonOf(node)});
  }
  return table.Text();
}

absl::Status GetNodes(Session* session) {
  MUSTER_ASSIGN_OR_RETURN(ApiClient* const api, session->Api());
  MUSTER_ASSIGN_OR_RETURN(const v1::ListNodesResponse all, api->ListNodes());
  v1::ListNodesResponse nodes;
  const auto& names = session->arguments();
  for (const v1::Node& node : all.nodes()) {
    const bool wanted = names.size() < 2 || std::find(names.begin() + 1, names.end(),
                                                      node.info().name()) != names.end();
    if (wanted) *nodes.add_nodes() = node;
  }
  for (size_t i = 1; i < names.size(); ++i) {
    const bool known = std::any_of(nodes.nodes().begin(), nodes.nodes().end(),
                                   [&](const v1::Node& n) { return n.info().name() == names[i]; });
    if (!known) return absl::NotFoundError(absl::StrCat("node '", names[i], "': no such node"));
  }
  if (session->format() == Format::kName || session->quiet()) {
    for (const v1::Node& node : nodes.nodes()) {
      session->out()->Write(absl::StrCat(node.info().name(), "\n"));
    }
  } else if (session->format() != Format::kTable) {
    session->PrintMessage(nodes);
  } else {
    session->out()->Write(NodeTable(nodes, absl::Now()));
  }
  return absl::OkStatus();
}

absl::Status GetRanks(Session* session) {
  MUSTER_ASSIGN_OR_RETURN(const std::string id, session->JobArgument(1));
  MUSTER_ASSIGN_OR_RETURN(ApiClient* const api, session->Api());
  MUSTER_ASSIGN_OR_RETURN(const v1::Job job, api->GetJob(id));
  const auto& attempts = job.status().attempts();
  if (attempts.empty()) {
    return absl::NotFoundError(absl::StrCat("job ", job.id(), " has no ranks yet, it is ",
                                            StateWord(job.status().state())));
  }
  const int64_t number = session->flags().Int("attempt", attempts.rbegin()->number());
  const auto attempt = std::find_if(attempts.begin(), attempts.end(),
                                    [number](const auto& a) { return a.number() == number; });
  if (attempt == attempts.end()) {
    return absl::NotFoundError(absl::StrCat("job ", job.id(), " has no attempt ", number,
                                            "; the last one is ", attempts.rbegin()->number()));
  }
  if (session->format() == Format::kJson || session->format() == Format::kYaml) {
    session->PrintMessage(*attempt);
  } else if (session->format() == Format::kName) {
    for (const v1::RankStatus& rank : attempt->ranks()) {
      session->out()->Write(absl::StrCat(rank.role(), "/", rank.rank(), "\n"));
    }
  } else {
    session->out()->Write(RankTable(*attempt, absl::Now()));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> Get(const Invocation& invocation) {
  Session session(invocation);
  const std::string& noun = invocation.arguments[0];
  absl::Status status;
  if (noun == "jobs" || noun == "job" || noun == "j") {
    status = GetJobs(&session);
  } else if (noun == "nodes" || noun == "node" || noun == "n") {
    status = GetNodes(&session);
  } else if (noun == "ranks" || noun == "rank" || noun == "r") {
    status = GetRanks(&session);
  } else {
    status = WithDetail(absl::InvalidArgumentError(absl::StrCat("'", noun, "' cannot be listed")),
                        "USAGE", "", "one of jobs, nodes, ranks");
  }
  MUSTER_RETURN_IF_ERROR(status);
  return 0;
}

}  // namespace

const Command& GetCommand() {
  static const auto* const kCommand = [] {
    auto* command = new Command;
    command->name = "get";
    command->aliases = {"ls"};
    command->usage = "jobs [JOB]… | nodes [NODE]… | ranks [JOB]";
    command->summary = "lists jobs, nodes or the ranks of a job";
    command->examples = {
        {"get jobs", "the newest first"},
        {"get ranks", "of the last job you submitted"},
        {"get nodes -o json", "the API's own messages"},
    };
    command->flags = {
        OutputFlag(),
        QuietFlag("prints names alone"),
        {"attempt", 0, FlagType::kInt, "N", "of 'get ranks': which attempt (default: the last)"},
        {"limit", 0, FlagType::kInt, "N", "of 'get jobs': at most so many (default 1000)"},
    };
    command->min_arguments = 1;
    command->run = Get;
    return command;
  }();
  return *kCommand;
}

}  // namespace muster
