#include "ctl/view/describe.h"

#include <map>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/job/exit_result.h"
#include "common/job/job_names.h"
#include "ctl/view/shell_quote.h"
#include "ctl/view/table.h"
#include "ctl/view/words.h"

namespace muster {
namespace {

void Field(std::string* text, absl::string_view name, absl::string_view value) {
  if (!value.empty()) absl::StrAppendFormat(text, "%-12s %s\n", name, value);
}

std::string DateText(const google::protobuf::Timestamp& time, absl::Time now) {
  if (time.seconds() == 0) return "";
  return absl::StrCat(absl::FormatTime("%Y-%m-%d %H:%M:%S", ToTime(time), absl::LocalTimeZone()),
                      " (", AgeSince(time, now), " ago)");
}

std::string RolesText(const v1::JobSpec& spec) {
  std::vector<std::string> roles;
  for (const v1::RoleSpec& role : spec.roles()) {
    roles.push_back(role.count() > 0
                        ? absl::StrCat(role.name(), " x ", role.count())
                        : absl::StrCat(role.name(), " x ", role.per_node(), " per node"));
    if (!role.node_ranks().empty()) absl::StrAppend(&roles.back(), " on ", role.node_ranks());
  }
  return absl::StrJoin(roles, ", ");
}

std::string LabelsText(const google::protobuf::Map<std::string, std::string>& labels) {
  const std::map<std::string, std::string> sorted(labels.begin(), labels.end());
  return absl::StrJoin(sorted, ", ", absl::PairFormatter("="));
}

// "2; within 10m at most 3, 10 after lost hosts".
std::string RestartsText(const v1::Job& job) {
  const v1::RestartSpec& restart = job.spec().restart();
  std::string text = absl::StrCat(job.status().restarts());
  if (restart.max_restarts() == 0 && restart.max_host_restarts() == 0) return text;
  const absl::Duration window =
      absl::Seconds(restart.window().seconds()) + absl::Nanoseconds(restart.window().nanos());
  return absl::StrCat(text, "; within ", absl::FormatDuration(window), " at most ",
                      restart.max_restarts(), ", ", restart.max_host_restarts(),
                      " after lost hosts");
}

std::string AttemptText(const v1::Attempt& attempt, absl::Time now) {
  std::string text = absl::StrCat("\nAttempt ", attempt.number());
  if (attempt.has_start_time() && attempt.has_end_time()) {
    absl::StrAppend(&text, ", took ",
                    AgeText(ToTime(attempt.end_time()) - ToTime(attempt.start_time())));
  } else if (attempt.has_start_time()) {
    absl::StrAppend(&text, ", for ", AgeSince(attempt.start_time(), now));
  }
  absl::StrAppend(&text, "\n");
  if (attempt.has_first_cause()) {
    const v1::FirstCause& cause = attempt.first_cause();
    std::string summary = !cause.summary().empty() ? cause.summary() : cause.reason();
    if (summary.empty()) {
      summary = absl::StrCat(RankLabel(cause.role(), cause.rank()), " on ", cause.node(), ": ",
                             DescribeExit(cause.exit()));
    }
    absl::StrAppend(&text, "  first cause  ", summary, "\n");
    if (attempt.fault_class() != v1::FAULT_CLASS_UNSPECIFIED) {
      absl::StrAppend(&text, "  fault class  ", FaultWord(attempt.fault_class()), "\n");
    }
    if (cause.fallout() > 0) {
      absl::StrAppend(&text, "  fallout      ", Count(cause.fallout(), "other rank"), "\n");
    }
  }
  return absl::StrCat(text, RankTable(attempt, now));
}

}  // namespace

std::string RankTable(const v1::Attempt& attempt, absl::Time now) {
  Table table({"RANK", "ROLE", "NODE", "STATE", "PID", "EXIT", "TIME", "RESTARTS", "OUTPUT"});
  for (const v1::RankStatus& rank : attempt.ranks()) {
    std::string time = AgeSince(rank.start_time(), now);
    if (rank.has_end_time() && rank.has_start_time()) {
      time = AgeText(ToTime(rank.end_time()) - ToTime(rank.start_time()));
    }
    const int64_t bytes = rank.stdout_bytes() + rank.stderr_bytes();
    table.Add({absl::StrCat(rank.rank()), rank.role(), rank.node_name(),
               absl::AsciiStrToUpper(StateWord(rank.state())),
               rank.pid() == 0 ? "" : absl::StrCat(rank.pid()), ExitWord(rank), time,
               absl::StrCat(rank.restarts()), bytes == 0 ? "" : BytesText(bytes)});
  }
  return table.empty() ? "" : table.Text();
}

std::string DescribeJob(const v1::Job& job, absl::Time now) {
  const v1::JobSpec& spec = job.spec();
  const v1::JobStatus& status = job.status();
  std::string text;
  Field(&text, "job", job.id());
  Field(&text, "state", StateWord(status.state()));
  Field(&text, "reason", status.reason());
  Field(&text, "gave up", status.gave_up());
  if (status.state() == v1::JOB_STATE_FAILED || status.state() == v1::JOB_STATE_SUCCEEDED ||
      status.state() == v1::JOB_STATE_CANCELLED) {
    Field(&text, "exit code", absl::StrCat(status.exit_code()));
  }
  Field(&text, "owner", status.owner());
  Field(&text, "submitted", DateText(status.submit_time(), now));
  Field(&text, "ended", DateText(status.end_time(), now));
  Field(&text, "contract",
        spec.mode().empty() ? spec.contract() : absl::StrCat(spec.contract(), ", ", spec.mode()));
  Field(&text, "nodes",
        spec.nodes().min() == spec.nodes().max()
            ? absl::StrCat(spec.nodes().min())
            : absl::StrCat(spec.nodes().min(), " to ", spec.nodes().max()));
  Field(&text, "roles", RolesText(spec));
  Field(&text, "command", ShellCommand({spec.command().begin(), spec.command().end()}));
  Field(&text, "workdir", spec.workdir());
  Field(&text, "labels", LabelsText(spec.labels()));
  Field(&text, "restarts", RestartsText(job));
  for (int i = 0; i < status.attempts_size(); ++i) {
    // The first one is always there; the gap is behind it.
    if (i == 1 && status.attempts_left_out() > 0) {
      absl::StrAppend(&text, "\n", Count(status.attempts_left_out(), "attempt"), " left out\n");
    }
    absl::StrAppend(&text, AttemptText(status.attempts(i), now));
  }
  return text;
}

std::string DeviceCounts(const v1::Node& node, bool held_only) {
  std::map<std::string, int> counts;
  if (held_only) {
    for (const v1::DeviceHold& hold : node.holds()) ++counts[hold.kind()];
  } else {
    for (const v1::Device& device : node.info().devices()) ++counts[device.kind()];
  }
  return absl::StrJoin(counts, ", ", [](std::string* out, const auto& entry) {
    absl::StrAppend(out, entry.second, " ", entry.first);
  });
}

std::string DescribeNode(const v1::Node& node, absl::Time now) {
  const v1::NodeInfo& info = node.info();
  std::string text;
  Field(&text, "node", info.name());
  Field(&text, "id", info.id());
  Field(&text, "state", StateWord(node.state()));
  Field(&text, "reason", node.reason());
  if (node.cordoned()) Field(&text, "cordoned", "yes");
  Field(&text, "address", info.address());
  Field(&text, "agent", absl::StrCat(info.agent_address(), ", version ", info.version()));
  Field(&text, "processors", absl::StrCat(info.cpus()));
  Field(&text, "memory", BytesText(info.memory_bytes()));
  Field(&text, "labels", LabelsText(info.labels()));
  Field(&text, "last seen", DateText(node.last_heartbeat(), now));
  std::map<std::pair<std::string, int>, std::string> holders;
  for (const v1::DeviceHold& hold : node.holds()) {
    holders[{hold.kind(), hold.physical()}] = hold.job_id();
  }
  Table table({"DEVICE", "MODEL", "MEMORY", "NUMA", "HEALTH", "JOB"});
  for (const v1::Device& device : info.devices()) {
    table.Add({absl::StrCat(device.kind(), " ", device.physical()), device.model(),
               device.memory_bytes() == 0 ? "" : BytesText(device.memory_bytes()),
               device.numa_node() < 0 ? "" : absl::StrCat(device.numa_node()),
               device.healthy() ? "ok" : absl::StrCat("ill: ", device.health_reason()),
               holders[{device.kind(), device.physical()}]});
  }
  if (!table.empty()) absl::StrAppend(&text, "\n", table.Text());
  return text;
}

}  // namespace muster
