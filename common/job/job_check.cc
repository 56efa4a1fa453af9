#include "common/job/job_check.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/job/constraint.h"
#include "common/job/job_defaults.h"
#include "common/job/job_names.h"
#include "common/job/log_name.h"
#include "common/job/node_list.h"
#include "common/job/rank_map.h"
#include "common/job/restart_check.h"

namespace muster {
namespace {

constexpr int kMaxPathBytes = 4095;
constexpr int kMaxListed = 64;  // Labels, constraints.
constexpr int kMaxDevicesPerRank = 1024;
constexpr int kMaxPriority = 1000;
constexpr int kMaxNodeRanksBytes = 256;
constexpr int64_t kMinSegmentSize = 4096;

// Finds the faults of one spec. Short-lived: made, run once, dropped.
class JobChecker {
 public:
  explicit JobChecker(const v1::JobSpec& spec) : spec_(spec) {}

  std::vector<JobFault> Run() && {
    CheckIdentity();
    CheckShape();
    CheckWhatRuns();
    CheckLimits();
    CheckPolicies();
    CheckLogs();
    CheckSelection();
    return std::move(faults_).Take();
  }

 private:
  void CheckIdentity();
  void CheckShape();
  void CheckNodes();
  void CheckRole(int index, std::set<std::string>* names);
  void CheckHosts(const std::string& field, const v1::RoleSpec& role);
  void CheckTotals();
  void CheckDevices(const std::string& field, const v1::DeviceRequest& devices);
  void CheckWhatRuns();
  void CheckCommand(const std::string& field,
                    const google::protobuf::RepeatedPtrField<std::string>& command);
  void CheckEnv(const std::string& field,
                const google::protobuf::Map<std::string, std::string>& env);
  void CheckUmask();
  void CheckLimits();
  void CheckPolicies();
  void CheckSuccess();
  void CheckLogs();
  void CheckLogNames();
  void CheckSelection();

  const v1::JobSpec& spec_;
  FaultList faults_;
};

void JobChecker::CheckIdentity() {
  if (!spec_.name().empty()) faults_.CheckName("name", spec_.name());
  faults_.CheckWord("contract", spec_.contract());
  faults_.CheckWord("mode", spec_.mode());
  faults_.CheckRange("priority", spec_.priority(), -kMaxPriority, kMaxPriority);
}

// Zero means absent here; a job file that says 0 is refused by its loader.
void JobChecker::CheckNodes() {
  const int min = spec_.nodes().min();
  const int max = spec_.nodes().max();
  const size_t faults_before = faults_.size();
  if (min == max) {
    if (min != 0) faults_.CheckRange("nodes", min, 1, kMaxNodes);
    return;
  }
  if (min != 0) faults_.CheckRange("nodes.min", min, 1, kMaxNodes);
  if (max != 0) faults_.CheckRange("nodes.max", max, 1, kMaxNodes);
  if (faults_.size() > faults_before || max == 0 || max > min) return;
  faults_.Add("nodes.max", "OUT_OF_RANGE",
              absl::StrCat("'nodes.max' is ", max, ", less than 'nodes.min', which is ", min),
              "make it at least as large, or leave it out");
}

void JobChecker::CheckShape() {
  const size_t faults_before = faults_.size();
  CheckNodes();
  if (spec_.ranks_per_node() != 0) {  // Zero means absent here, as for nodes.
    faults_.CheckRange("ranks_per_node", spec_.ranks_per_node(), 1, kMaxRanksPerNode);
  }
  if (spec_.ranks_per_node() != 0 && !spec_.roles().empty()) {
    faults_.Add("ranks_per_node", "CONFLICT", "'ranks_per_node' and 'roles' exclude each other",
                "give each role its own 'per_node' or 'count'");
  }
  if (spec_.has_devices_per_rank()) CheckDevices("devices_per_rank", spec_.devices_per_rank());
  faults_.CheckRange("roles", spec_.roles_size(), 0, kMaxRoles);
  if (spec_.roles_size() > kMaxRoles) return;
  std::set<std::string> names;
  for (int i = 0; i < spec_.roles_size(); ++i) CheckRole(i, &names);
  if (faults_.size() == faults_before) CheckTotals();
}

void JobChecker::CheckRole(int index, std::set<std::string>* names) {
  const v1::RoleSpec& role = spec_.roles(index);
  const std::string field = absl::StrCat("roles[", index, "]");
  faults_.CheckName(absl::StrCat(field, ".name"), role.name());
  if (!names->insert(role.name()).second) {
    faults_.Add(absl::StrCat(field, ".name"), "DUPLICATE",
                absl::StrCat("role '", role.name(), "' is there twice"),
                "give each role a name of its own");
  }
  faults_.CheckRange(absl::StrCat(field, ".count"), role.count(), 0, kMaxRanks);
  faults_.CheckRange(absl::StrCat(field, ".per_node"), role.per_node(), 0, kMaxRanksPerNode);
  if (role.count() != 0 && role.per_node() != 0) {
    faults_.Add(absl::StrCat(field, ".per_node"), "CONFLICT",
                "'count' and 'per_node' exclude each other",
                "keep 'count' for the whole job, or 'per_node' for each host");
  }
  CheckHosts(absl::StrCat(field, ".node_ranks"), role);
  if (role.has_devices_per_rank()) {
    CheckDevices(absl::StrCat(field, ".devices_per_rank"), role.devices_per_rank());
  }
}

void JobChecker::CheckHosts(const std::string& field, const v1::RoleSpec& role) {
  const size_t faults_before = faults_.size();
  faults_.CheckText(field, role.node_ranks(), kMaxNodeRanksBytes);
  if (faults_.size() > faults_before) return;
  const absl::StatusOr<NodeList> hosts = NodeList::Parse(role.node_ranks());
  if (!hosts.ok()) {
    return faults_.Add(field, "INVALID_NAME",
                       absl::StrCat("'", role.node_ranks(), "': ", hosts.status().message()),
                       "write node ranks, from the lowest to the highest: 0-1,3, or 2- for all "
                       "from host 2 on");
  }
  const int nodes = std::max(spec_.nodes().min(), 1);
  if (hosts->HighestNamed() < nodes) return;
  faults_.Add(field, "OUT_OF_RANGE",
              absl::StrCat("'", role.node_ranks(), "' names host ", hosts->HighestNamed(),
                           ", and the job is sure of ", nodes, nodes == 1 ? " host" : " hosts"),
              nodes == 1 ? "the only one is 0; or say more 'nodes'"
                         : absl::StrCat("use 0 to ", nodes - 1,
                                        ", N- for all from host N on, or "
                                        "say more 'nodes'"));
}

// Called only when every number on its own is in range, so that no sum overflows.
void JobChecker::CheckTotals() {
  v1::JobSpec filled = spec_;
  FillJobDefaults(&filled);
  const std::string field = spec_.roles().empty() ? "ranks_per_node" : "roles";
  // The fewer hosts, the more ranks of a `count` on each; the more hosts, the more ranks in all.
  int64_t total = 0;
  for (const v1::RoleSpec& role : filled.roles()) total += RoleCount(role, filled.nodes().max());
  int most = 0;  // On one host.
  for (int node = 0; node < filled.nodes().min(); ++node) {
    most = std::max(most, RanksOnNode(filled, filled.nodes().min(), node));
  }
  if (total > kMaxRanks) {
    faults_.Add(field, "TOO_MANY_RANKS", absl::StrCat("the job has ", total, " ranks"),
                absl::StrCat("at most ", kMaxRanks, " are allowed"));
  }
  if (most > kMaxRanksPerNode) {
    faults_.Add(field, "TOO_MANY_RANKS", absl::StrCat("the job has ", most, " ranks on one host"),
                absl::StrCat("at most ", kMaxRanksPerNode, " fit; use more nodes"));
  }
}

void JobChecker::CheckDevices(const std::string& field, const v1::DeviceRequest& devices) {
  if (devices.kind().empty()) {
    faults_.Add(absl::StrCat(field, ".kind"), "MISSING",
                absl::StrCat("'", field, "' has no 'kind'"),
                "use nvidia, ascend, xpu, mlu, ipu, or a kind that the operator named");
  }
  faults_.CheckWord(absl::StrCat(field, ".kind"), devices.kind());
  faults_.CheckRange(absl::StrCat(field, ".count"), devices.count(), 1, kMaxDevicesPerRank);
  faults_.CheckEnum(absl::StrCat(field, ".visible"), devices.visible(), v1::VisibleDevices_IsValid);
}

void JobChecker::CheckWhatRuns() {
  CheckCommand("command", spec_.command());
  CheckEnv("env", spec_.env());
  bool missing = spec_.command().empty() && spec_.roles().empty();
  for (int i = 0; i < spec_.roles_size(); ++i) {
    const v1::RoleSpec& role = spec_.roles(i);
    CheckCommand(absl::StrCat("roles[", i, "].command"), role.command());
    CheckEnv(absl::StrCat("roles[", i, "].env"), role.env());
    missing = missing || CommandOf(spec_, role).empty();
  }
  if (missing) {
    faults_.Add("command", "MISSING", "'command' is missing",
                "say what each rank runs, e.g. command: [python3, train.py]");
  }
  if (!spec_.workdir().empty() && spec_.workdir()[0] != '/') {
    faults_.Add("workdir", "NOT_ABSOLUTE",
                absl::StrCat("'", spec_.workdir(), "' is not an absolute path"),
                "begin it with '/'");
  }
  faults_.CheckText("workdir", spec_.workdir(), kMaxPathBytes);
  CheckUmask();
}

void JobChecker::CheckCommand(const std::string& field,
                              const google::protobuf::RepeatedPtrField<std::string>& command) {
  size_t bytes = 0;
  for (int i = 0; i < command.size(); ++i) {
    faults_.CheckText(absl::StrCat(field, "[", i, "]"), command[i], kMaxCommandBytes);
    bytes += command[i].size() + 1;
  }
  if (!command.empty() && command[0].empty()) {
    faults_.Add(absl::StrCat(field, "[0]"), "MISSING", "the program's name is empty",
                "put the program first, e.g. [python3, train.py]");
  }
  if (bytes > kMaxCommandBytes) {
    faults_.Add(
        field, "TOO_LONG", absl::StrCat("'", field, "' has ", bytes, " bytes"),
        absl::StrCat("at most ", kMaxCommandBytes, " are allowed; put the rest into a file"));
  }
}

void JobChecker::CheckEnv(const std::string& field,
                          const google::protobuf::Map<std::string, std::string>& env) {
  size_t bytes = 0;
  for (const auto& [name, value] : env) {
    bytes += name.size() + value.size() + 2;
    if (!IsEnvName(name)) {
      faults_.Add(absl::StrCat(field, ".", name), "INVALID_NAME",
                  absl::StrCat("'", name, "' cannot name an environment variable"),
                  "use letters, digits and '_', no digit first");
      continue;
    }
    faults_.CheckText(absl::StrCat(field, ".", name), value, kMaxEnvBytes);
  }
  if (bytes > kMaxEnvBytes) {
    faults_.Add(field, "TOO_LONG", absl::StrCat("'", field, "' has ", bytes, " bytes"),
                absl::StrCat("at most ", kMaxEnvBytes, " are allowed"));
  }
}

void JobChecker::CheckUmask() {
  const std::string& umask = spec_.umask();
  if (umask.empty()) return;
  const bool octal = umask.find_first_not_of("01234567") == std::string::npos;
  if (octal && (umask.size() <= 3 || (umask.size() == 4 && umask[0] == '0'))) return;
  faults_.Add("umask", "OUT_OF_RANGE",
              absl::StrCat("'", umask, "' is not a file mode creation mask"),
              "write it in octal, from \"000\" to \"777\"");
}

void JobChecker::CheckLimits() {
  const v1::Limits& limits = spec_.limits();
  faults_.CheckBound("limits.memory", limits.has_memory(), limits.memory(), 1);
  faults_.CheckBound("limits.processes", limits.has_processes(), limits.processes(), 1);
  faults_.CheckBound("limits.open_files", limits.has_open_files(), limits.open_files(), 1);
  faults_.CheckBound("limits.core_size", limits.has_core_size(), limits.core_size(), 0);
  faults_.CheckBound("limits.locked_memory", limits.has_locked_memory(), limits.locked_memory(), 0);
  faults_.CheckBound("limits.stack", limits.has_stack(), limits.stack(), 1);
  faults_.CheckBound("limits.file_size", limits.has_file_size(), limits.file_size(), 0);
}

void JobChecker::CheckPolicies() {
  faults_.CheckEnum("on_failure", spec_.on_failure(), v1::FailureAction_IsValid);
  faults_.CheckEnum("bind", spec_.bind(), v1::CoreBinding_IsValid);
  faults_.CheckEnum("on_partition", spec_.on_partition(), v1::PartitionAction_IsValid);
  faults_.CheckEnum("placement", spec_.placement(), v1::PlacementStrategy_IsValid);
  CheckSuccess();
  CheckRestart(spec_.restart(), &faults_);
  const v1::Timeouts& timeouts = spec_.timeouts();
  faults_.CheckDuration("timeouts.queue", timeouts.has_queue(), timeouts.queue());
  faults_.CheckDuration("timeouts.start", timeouts.has_start(), timeouts.start());
  faults_.CheckDuration("timeouts.stop_grace", timeouts.has_stop_grace(), timeouts.stop_grace());
  faults_.CheckDuration("timeouts.run", timeouts.has_run(), timeouts.run());
  faults_.CheckDuration("timeouts.elastic", timeouts.has_elastic(), timeouts.elastic());
}

void JobChecker::CheckSuccess() {
  const v1::SuccessPolicy& success = spec_.success();
  faults_.CheckEnum("success.clean_up", success.clean_up(), v1::CleanUp_IsValid);
  if (success.who_case() == v1::SuccessPolicy::kRole && FindRole(spec_, success.role()) < 0 &&
      !(spec_.roles().empty() && success.role() == kWorkerRole)) {
    faults_.Add("success.role", "NO_SUCH_ROLE",
                absl::StrCat("the job has no role '", success.role(), "'"),
                "name one of its roles");
  }
  if (success.who_case() != v1::SuccessPolicy::kRank) return;
  int64_t ranks = 0;
  const int nodes = std::clamp(spec_.nodes().min(), 1, kMaxNodes);  // Refused elsewhere.
  if (spec_.roles().empty()) {
    ranks = int64_t{std::max(spec_.ranks_per_node(), 1)} * nodes;
  } else if (const int worker = FindRole(spec_, kWorkerRole); worker >= 0) {
    const v1::RoleSpec& role = spec_.roles(worker);
    const NodeList hosts = NodeList::Parse(role.node_ranks()).value_or(NodeList());
    ranks = role.count() > 0 ? role.count()
                             : int64_t{std::max(role.per_node(), 1)} * hosts.CountAmong(nodes);
  }
  if (success.rank() >= 0 && success.rank() < ranks) return;
  faults_.Add("success.rank", "NO_SUCH_RANK",
              absl::StrCat("there is no rank ", success.rank(), " of role '", kWorkerRole, "'"),
              ranks == 0 ? "use `role NAME`, or call a role 'worker'"
                         : absl::StrCat("use a rank from 0 to ", ranks - 1));
}

void JobChecker::CheckLogs() {
  const v1::LogSpec& logs = spec_.logs();
  faults_.CheckText("logs.dir", logs.dir(), kMaxPathBytes);
  faults_.CheckEnum("logs.full", logs.full(), v1::LogFullPolicy_IsValid);
  faults_.CheckDuration("logs.keep", logs.has_keep(), logs.keep());
  if (logs.has_segment_size() && logs.segment_size() < kMinSegmentSize) {
    faults_.Add("logs.segment_size", "OUT_OF_RANGE",
                absl::StrCat("'logs.segment_size' is ", logs.segment_size()),
                absl::StrCat("use at least ", kMinSegmentSize, " bytes"));
  }
  faults_.CheckBound("logs.max_size", logs.has_max_size(), logs.max_size(), kMinSegmentSize);
  if (!logs.dir().empty() && logs.full() == v1::LOG_FULL_POLICY_DROP_OLDEST) {
    faults_.Add("logs.full", "CONFLICT",
                "'drop_oldest' needs segments, and files in 'logs.dir' have none",
                "use block or drop_new, or leave out 'logs.dir'");
  }
  if (!logs.names().empty()) CheckLogNames();
}

void JobChecker::CheckLogNames() {
  const v1::LogSpec& logs = spec_.logs();
  if (logs.dir().empty()) {
    faults_.Add("logs.names", "MISSING", "'logs.names' needs 'logs.dir'",
                "say where the files go, e.g. dir: logs");
  }
  const absl::StatusOr<std::set<std::string>> used = LogNamePlaceholders(logs.names());
  if (!used.ok()) {
    return faults_.Add(
        "logs.names", "INVALID_NAME",
        absl::StrCat("'", logs.names(), "': ", used.status().message()),
        "use {rank}, {role}, {role_rank}, {local_rank}, {node_rank}, {attempt}, {stream}");
  }
  const bool one_role = spec_.roles_size() <= 1;
  const bool one_node = spec_.nodes().max() <= 1 && spec_.nodes().min() <= 1;
  const bool by_role = used->count("role_rank") != 0 && (one_role || used->count("role") != 0);
  const bool by_host =
      used->count("local_rank") != 0 && (one_node || used->count("node_rank") != 0);
  const bool one_rank =
      one_role && one_node && spec_.ranks_per_node() <= 1 &&
      (spec_.roles().empty() || (spec_.roles(0).count() <= 1 && spec_.roles(0).per_node() <= 1));
  if (used->count("rank") != 0 || by_role || by_host || one_rank) return;
  faults_.Add("logs.names", "CONFLICT",
              absl::StrCat("'", logs.names(), "' gives several ranks the same file"),
              "add {rank}, e.g. rank-{rank}.log");
}

void JobChecker::CheckSelection() {
  faults_.CheckRange("labels", spec_.labels_size(), 0, kMaxListed);
  for (const auto& [key, value] : spec_.labels()) {
    if (IsLabelKey(key) && IsLabelValue(value)) continue;
    faults_.Add(absl::StrCat("labels.", key), "INVALID_NAME",
                absl::StrCat("'", key, "' is not a sound label"),
                "keys: 1 to 63 letters, digits, '.', '_', '/', '-'; values: at most 256 bytes");
  }
  faults_.CheckRange("constraints", spec_.constraints_size(), 0, kMaxListed);
  for (int i = 0; i < spec_.constraints_size(); ++i) {
    const absl::StatusOr<Constraint> constraint = ParseConstraint(spec_.constraints(i));
    if (constraint.ok()) continue;
    faults_.Add(absl::StrCat("constraints[", i, "]"), "INVALID_CONSTRAINT",
                absl::StrCat("'", spec_.constraints(i), "': ", constraint.status().message()),
                "write key==value, key!=value, key or !key");
  }
}

}  // namespace

std::vector<JobFault> FindJobFaults(const v1::JobSpec& spec) { return JobChecker(spec).Run(); }

std::vector<v1::ErrorDetail> CheckJob(const v1::JobSpec& spec) {
  std::vector<v1::ErrorDetail> details;
  for (JobFault& fault : FindJobFaults(spec)) details.push_back(std::move(fault.detail));
  return details;
}

absl::Status CheckJobStatus(const v1::JobSpec& spec) {
  const std::vector<JobFault> faults = FindJobFaults(spec);
  if (faults.empty()) return absl::OkStatus();
  const JobFault& first = faults.front();
  return absl::InvalidArgumentError(
      absl::StrCat(first.detail.field_path(), ": ", first.message, "; ", first.detail.hint(),
                   faults.size() == 1 ? "" : absl::StrCat(" (and ", faults.size() - 1, " more)")));
}

absl::Status CheckEveryHostHasRanks(const v1::JobSpec& spec) {
  for (const v1::RoleSpec& role : spec.roles()) {  // Mostly the first one tells.
    const bool on_all = role.count() <= 0 || role.count() >= spec.nodes().max();
    if (role.node_ranks().empty() && on_all) return absl::OkStatus();
  }
  const std::vector<int> idle = NodesWithoutRanks(spec, spec.nodes().max());
  if (idle.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("roles: of ", spec.nodes().max(), " hosts ",
                   idle.size() == 1 ? absl::StrCat("host ", idle[0], " has")
                                    : absl::StrCat("hosts ", NodeList::Write(idle), " have"),
                   " no rank of any role; say fewer 'nodes', or a larger 'count'"));
}

}  // namespace muster
