#include "launch/mindspore.h"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/job/job_defaults.h"
#include "common/job/job_names.h"
#include "common/job/rank_map.h"
#include "launch/leftovers.h"
#include "launch/mindspore_check.h"
#include "launch/mindspore_env.h"
#include "launch/position.h"
#include "launch/rank_table_placement.h"
#include "launch/rank_table_reader.h"

namespace muster {
namespace {

constexpr int kTopoTimeoutDefault = 600;  // As msrun's --cluster_time_out.
constexpr int kNoLimit = -1;

bool SameDevices(const v1::DeviceRequest& a, const v1::DeviceRequest& b) {
  return a.kind() == b.kind() && a.count() == b.count() && a.visible() == b.visible();
}

// The scheduler runs what the workers run, on the first host, without a device. A device request
// of the whole job is every other role's by now (FillJobDefaults).
void AddScheduler(v1::JobSpec* spec) {
  if (FindRole(*spec, kSchedulerRole) < 0) {
    const int worker = FindRole(*spec, kWorkerRole);
    if (worker < 0) return;  // Check() says so.
    v1::RoleSpec scheduler;
    scheduler.set_name(kSchedulerRole);
    scheduler.set_count(1);
    *scheduler.mutable_command() = spec->roles(worker).command();
    *scheduler.mutable_env() = spec->roles(worker).env();
    *spec->add_roles() = scheduler;  // Last: global ranks begin with the other roles.
  }
  v1::RoleSpec* const scheduler = spec->mutable_roles(FindRole(*spec, kSchedulerRole));
  if (spec->has_devices_per_rank() && scheduler->has_devices_per_rank() &&
      SameDevices(scheduler->devices_per_rank(), spec->devices_per_rank())) {
    scheduler->clear_devices_per_rank();
  }
  spec->clear_devices_per_rank();
}

// One process stands for a whole job: what it simulates the size of is kept beside it.
void ShrinkToOneProcess(v1::JobSpec* spec) {
  v1::MindSporeOptions* const options = spec->mutable_mindspore();
  const int worker = FindRole(*spec, kWorkerRole);
  if (worker < 0) return;
  v1::RoleSpec* const role = spec->mutable_roles(worker);
  if (options->sim_worker_num() == 0) {
    options->set_sim_worker_num(RoleCount(*role, spec->nodes().min()));
  }
  role->clear_per_node();
  role->clear_node_ranks();
  role->set_count(1);
  spec->mutable_nodes()->set_min(1);
  spec->mutable_nodes()->set_max(1);
}

// The scheduler process's host and rank. INTERNAL: the placement has none.
struct SchedulerPlace {
  const v1::NodePlacement* node = nullptr;
  int port = 0;
};

absl::StatusOr<SchedulerPlace> FindScheduler(const LaunchContext& context) {
  for (const v1::NodePlacement& node : context.placement->nodes()) {
    for (const v1::RankPlacement& rank : node.ranks()) {
      if (rank.role() != kSchedulerRole) continue;
      const int fixed = context.spec->mindspore().sched_port();
      if (fixed != 0) return SchedulerPlace{&node, fixed};
      if (rank.ports().empty()) {
        return absl::InternalError("placement: the scheduler process has no port");
      }
      return SchedulerPlace{&node, static_cast<int>(rank.ports(0))};
    }
  }
  return absl::InternalError("placement: there is no scheduler process");
}

bool IsAddress(int family, const std::string& text) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(family, text.c_str(), bytes) == 1;
}

// MindSpore resolves no names, and speaks IPv6 on Ascend alone (dynamic cluster, MS_SCHED_HOST).
absl::Status CheckAddress(const v1::NodePlacement& node, bool ascend) {
  if (IsAddress(AF_INET, node.address())) return absl::OkStatus();
  if (!IsAddress(AF_INET6, node.address())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "MS_SCHED_HOST: host ", node.node_name(), " is known as '", node.address(),
        "', and MindSpore takes an address only; start its agent with --agent_address=ADDRESS"));
  }
  if (ascend) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "MS_SCHED_HOST: host ", node.node_name(), " has the IPv6 address ", node.address(),
      ", which MindSpore takes on Ascend only; start its agent with "
      "--agent_address=IPV4"));
}

bool OnAscend(const v1::JobSpec& spec) {
  const int worker = FindRole(spec, kWorkerRole);
  return worker >= 0 && DevicesOf(spec, spec.roles(worker)).kind() == "ascend";
}

int TopoTimeout(const v1::MindSporeOptions& options) {
  if (!options.has_cluster_timeout()) return kTopoTimeoutDefault;
  const google::protobuf::Duration& timeout = options.cluster_timeout();
  const int64_t seconds = timeout.seconds() + (timeout.nanos() > 0 ? 1 : 0);
  return seconds <= 0 ? kNoLimit : static_cast<int>(std::min<int64_t>(seconds, INT32_MAX));
}

// What every process of the job has in common.
MindSporeProcess CommonFacts(const LaunchContext& context) {
  const v1::JobSpec& spec = *context.spec;
  const v1::MindSporeOptions& options = spec.mindspore();
  const int hosts = context.placement->nodes_size();
  MindSporeProcess process;
  process.worker_num = RoleCount(spec.roles(FindRole(spec, kWorkerRole)), hosts);
  const int server = FindRole(spec, kServerRole);
  if (server >= 0) process.server_num = RoleCount(spec.roles(server), hosts);
  process.topo_timeout_s = TopoTimeout(options);
  process.rank_table_file = options.rank_table_file();
  process.tls_config = options.tls_config_file();
  process.recovery = options.recovery();
  if (options.recovery()) {
    const std::string base =
        options.recovery_path().empty()
            ? JoinPath(context.gang_dir, "mindspore-recovery")
            : JoinPath(JoinPath(spec.workdir(), options.recovery_path()), context.job_id);
    process.recovery_path = JoinPath(base, absl::StrCat("attempt-", context.attempt));
  }
  return process;
}

// Sorts as numbers do, so that MindSpore, which sorts them as texts, keeps the job's order.
std::string NodeName(const std::string& role, int rank) {
  return absl::StrFormat("%s-%05d", role, rank);
}

void SetIdentity(const LaunchContext& context, MindSporeProcess* process) {
  const v1::RankPlacement& rank = *context.rank;
  if (rank.role() == kSchedulerRole) {
    process->role = MindSporeRole::kScheduler;
    if (process->recovery) process->node_id = "sched";
    return;
  }
  if (rank.role() == kServerRole) {
    process->role = MindSporeRole::kServer;
    process->node_id = NodeName(rank.role(), rank.rank());
    if (!rank.devices().empty()) process->device_id = rank.devices(0);
    return;
  }
  process->device_id = rank.devices().empty() ? rank.local_rank() : rank.devices(0);
  if (process->server_num > 0) {
    process->node_id = NodeName(rank.role(), rank.rank());
    return;
  }
  process->rank = rank.rank();
  process->node_id = absl::StrCat(rank.rank());
}

// A dry run: no cluster. Of a single rank, the process is told the rank that it stands for.
void SetSimulation(const v1::JobSpec& spec, MindSporeProcess* process) {
  process->simulation = true;
  process->sim_level = spec.mindspore().sim_level();
  const std::optional<int> only = SimulatedRank(spec);
  if (!only.has_value()) return;
  process->worker_num = spec.mindspore().sim_worker_num();
  process->rank = only;
  process->node_id.reset();
  process->device_id = 0;
}

// The gang's workers alone: the table knows no other process.
v1::Placement WorkersOf(v1::Placement placement) {
  for (v1::NodePlacement& node : *placement.mutable_nodes()) {
    google::protobuf::RepeatedPtrField<v1::RankPlacement> workers;
    for (v1::RankPlacement& rank : *node.mutable_ranks()) {
      if (rank.role() == kWorkerRole) workers.Add(std::move(rank));
    }
    node.mutable_ranks()->Swap(&workers);
  }
  return placement;
}

// The user's table, by every rule; and, where the workers have devices and keep the job's ranks, as
// the table of these devices.
LaunchInput TableInput(const LaunchContext& context) {
  const v1::JobSpec& spec = *context.spec;
  const std::string& path = spec.mindspore().rank_table_file();
  const v1::Placement workers = WorkersOf(*context.placement);
  const int node_rank = context.node_rank;
  const auto& here = workers.nodes(node_rank).ranks();
  const bool placed = !here.empty() && std::all_of(here.begin(), here.end(), [](const auto& rank) {
    return rank.devices_size() > 0;
  });
  const bool matches =
      placed && OnAscend(spec) && !IsSimulation(spec) && FindRole(spec, kServerRole) < 0;
  const auto fits = [workers, node_rank, path, matches](const std::string& bytes) -> absl::Status {
    const absl::StatusOr<RankTable> table = ParseRankTable(bytes);
    if (!table.ok() || !matches) return Annotate(table.status(), path);
    return Annotate(MatchRankTable(*table, workers, node_rank), path);
  };
  return {"mindspore.rank_table_file", path, fits};
}

LogNames NameLogs(const LaunchContext& context) {
  if (context.rank->role() == kSchedulerRole) return {"scheduler.log", "scheduler.log"};
  std::string base = context.rank->role();
  const std::string& own = context.spec->mindspore().worker_log_name();
  if (base == kWorkerRole && !own.empty()) {
    const v1::NodePlacement& node = context.placement->nodes(context.node_rank);
    base = absl::StrReplaceAll(own, {{"{ip}", node.address()}, {"{hostname}", node.node_name()}});
  }
  const std::string name = absl::StrCat(base, "_{role_rank}.log");
  return {name, name};
}

}  // namespace

void MindSporeContract::Complete(v1::JobSpec* spec) const {
  if (!IsSimulation(*spec)) return AddScheduler(spec);
  if (SimulatedRank(*spec).has_value()) ShrinkToOneProcess(spec);
}

absl::Status MindSporeContract::Check(const v1::JobSpec& spec) const {
  return CheckMindSpore(spec);
}

std::vector<RoleNeeds> MindSporeContract::Needs(const v1::JobSpec& spec) const {
  std::vector<RoleNeeds> needs;
  for (const v1::RoleSpec& role : spec.roles()) {
    const bool listens = role.name() == kSchedulerRole;
    const int fixed = listens ? spec.mindspore().sched_port() : 0;
    needs.push_back({role.name(), 0, listens && fixed == 0 ? 1 : 0, fixed});
  }
  return needs;
}

absl::StatusOr<LaunchPlan> MindSporeContract::Render(const LaunchContext& context) const {
  MUSTER_ASSIGN_OR_RETURN(const Position position, FindPosition(context));
  const v1::JobSpec& spec = *context.spec;
  MindSporeProcess process = CommonFacts(context);
  SetIdentity(context, &process);
  LaunchPlan plan;
  if (IsSimulation(spec)) {
    SetSimulation(spec, &process);
  } else {
    MUSTER_ASSIGN_OR_RETURN(const SchedulerPlace scheduler, FindScheduler(context));
    MUSTER_RETURN_IF_ERROR(CheckAddress(*scheduler.node, OnAscend(spec)));
    process.sched_host = scheduler.node->address();
    process.sched_port = scheduler.port;
  }
  const auto& command = CommandOf(spec, spec.roles(FindRole(spec, context.rank->role())));
  plan.argv.assign(command.begin(), command.end());
  plan.env = MindSporeEnv(process);
  // With an IPv6 scheduler a process cannot find out its own address (except for ::1).
  if (IsAddress(AF_INET6, process.sched_host) && process.sched_host != "::1") {
    plan.env["MS_WORKER_IP"] = context.placement->nodes(context.node_rank).address();
  }
  plan.clear_env = LeftoverVariables();
  plan.logs = NameLogs(context);
  plan.bind = context.rank->role() != kSchedulerRole;  // As msrun's --bind_core.
  if (position.local_rank == 0) {                      // Once on each host.
    const v1::MindSporeOptions& options = spec.mindspore();
    if (!options.rank_table_file().empty()) {
      plan.inputs.push_back(TableInput(context));
    }
    if (!options.tls_config_file().empty()) {
      plan.inputs.push_back({"mindspore.tls_config_file", options.tls_config_file(), nullptr});
    }
  }
  return plan;
}

}  // namespace muster
