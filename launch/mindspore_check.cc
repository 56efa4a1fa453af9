#include "launch/mindspore_check.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/status.h"
#include "common/job/job_defaults.h"
#include "common/job/job_names.h"
#include "common/job/log_name.h"
#include "common/job/rank_map.h"

namespace muster {
namespace {

constexpr int kMaxPort = 65535;
constexpr int kMaxSimLevel = 3;

absl::Status Refuse(absl::string_view field, absl::string_view cause, absl::string_view hint) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", cause, "; ", hint));
}

absl::Status CheckRole(const v1::JobSpec& spec, int index) {
  const v1::RoleSpec& role = spec.roles(index);
  const std::string field = absl::StrCat("roles[", index, "]");
  if (role.name() != kWorkerRole && role.name() != kSchedulerRole && role.name() != kServerRole) {
    return Refuse(absl::StrCat(field, ".name"),
                  absl::StrCat("contract 'mindspore' has no role '", role.name(), "'"),
                  "use worker, server or scheduler");
  }
  if (role.name() != kWorkerRole && IsSimulation(spec)) {
    return Refuse(field, absl::StrCat("a simulation has no ", role.name(), " process"),
                  "leave the role out, or mindspore.sim_level");
  }
  if (role.name() == kSchedulerRole && RoleCount(role, spec.nodes().max()) != 1) {
    return Refuse(absl::StrCat(field, ".count"),
                  absl::StrCat(RoleCount(role, spec.nodes().max()), " scheduler processes"),
                  "there is exactly one; leave the role out to have it added");
  }
  const v1::DeviceRequest& devices = DevicesOf(spec, role);
  if (devices.count() == 0) return absl::OkStatus();
  // Mostly there is one request, for the whole job.
  int requests = 0;
  for (const v1::RoleSpec& other : spec.roles()) requests += DevicesOf(spec, other).count() > 0;
  const std::string of_devices =
      absl::StrCat(requests > 1 ? absl::StrCat(field, ".") : "", "devices_per_rank.");
  if (role.name() == kSchedulerRole) {
    return Refuse(absl::StrCat(field, ".devices_per_rank"), "the scheduler process uses no device",
                  "leave it out");
  }
  if (devices.count() > 1) {
    return Refuse(absl::StrCat(of_devices, "count"),
                  absl::StrCat("a MindSpore process drives one device, not ", devices.count()),
                  "use 1, and one rank for each device");
  }
  if (devices.visible() == v1::VISIBLE_DEVICES_RANK) {
    return Refuse(absl::StrCat(of_devices, "visible"),
                  "contract 'mindspore' finds a rank's device by DEVICE_ID", "use host");
  }
  return absl::OkStatus();
}

absl::Status CheckRoles(const v1::JobSpec& spec) {
  for (int i = 0; i < spec.roles_size(); ++i) MUSTER_RETURN_IF_ERROR(CheckRole(spec, i));
  if (FindRole(spec, kWorkerRole) < 0) {
    return Refuse("roles", "contract 'mindspore' needs a role 'worker', and there is none",
                  "add it, or leave out 'roles' and say ranks_per_node");
  }
  return absl::OkStatus();
}

absl::Status CheckSimulation(const v1::JobSpec& spec) {
  const v1::MindSporeOptions& options = spec.mindspore();
  if (!IsSimulation(spec)) {
    const char* const field = SimulatedRank(spec).has_value() ? "mindspore.sim_rank_id"
                              : options.sim_worker_num() != 0 ? "mindspore.sim_worker_num"
                                                              : nullptr;
    if (field == nullptr) return absl::OkStatus();
    return Refuse(field, "it is for simulations", "add mindspore.sim_level, or leave it out");
  }
  if (options.sim_level() < 0 || options.sim_level() > kMaxSimLevel) {
    return Refuse("mindspore.sim_level", absl::StrCat("there is no level ", options.sim_level()),
                  "use 0 to 3");
  }
  if (options.sim_rank_id() < -1) {
    return Refuse("mindspore.sim_rank_id", absl::StrCat(options.sim_rank_id(), " is not a rank"),
                  "use a rank, or leave it out to simulate all");
  }
  if (options.sim_worker_num() < 0 ||
      (options.sim_worker_num() > 0 && !SimulatedRank(spec).has_value())) {
    return Refuse("mindspore.sim_worker_num",
                  absl::StrCat(options.sim_worker_num(), " ranks, of which one is simulated"),
                  "give a positive number together with mindspore.sim_rank_id");
  }
  if (SimulatedRank(spec).has_value() && *SimulatedRank(spec) >= options.sim_worker_num()) {
    return Refuse("mindspore.sim_rank_id",
                  absl::StrCat("there is no rank ", *SimulatedRank(spec), " among ",
                               options.sim_worker_num()),
                  absl::StrCat("use 0 to ", options.sim_worker_num() - 1));
  }
  return absl::OkStatus();
}

absl::Status CheckRecovery(const v1::JobSpec& spec) {
  const v1::MindSporeOptions& options = spec.mindspore();
  if (options.recovery() && IsSimulation(spec)) {
    return Refuse("mindspore.recovery", "a simulation has no cluster to come back to",
                  "leave it out");
  }
  if (!options.recovery_path().empty() && !options.recovery()) {
    return Refuse("mindspore.recovery_path", "nothing is kept there without recovery",
                  "set mindspore.recovery: true, or leave it out");
  }
  if (spec.restart().scope() == v1::RESTART_SCOPE_RANK && !options.recovery()) {
    return Refuse("restart.scope", "the cluster takes a restarted process back only with recovery",
                  "set mindspore.recovery: true, or use gang");
  }
  return absl::OkStatus();
}

absl::Status CheckPath(absl::string_view field, absl::string_view path) {
  if (path.empty() || path[0] == '/') return absl::OkStatus();
  return Refuse(field, absl::StrCat("'", path, "' is not an absolute path"), "begin it with '/'");
}

}  // namespace

bool IsSimulation(const v1::JobSpec& spec) { return spec.mindspore().has_sim_level(); }

std::optional<int> SimulatedRank(const v1::JobSpec& spec) {
  if (!spec.mindspore().has_sim_rank_id() || spec.mindspore().sim_rank_id() == -1) {
    return std::nullopt;  // -1 is how msrun's users say "all".
  }
  return spec.mindspore().sim_rank_id();
}

absl::Status CheckWorkerLogName(absl::string_view name) {
  if (name.empty()) return absl::OkStatus();
  const std::string filled = absl::StrReplaceAll(name, {{"{ip}", "0"}, {"{hostname}", "h"}});
  const auto placeholders = LogNamePlaceholders(filled);
  if (placeholders.ok() && placeholders->empty()) return absl::OkStatus();
  return Refuse("mindspore.worker_log_name",
                placeholders.ok() ? absl::StrCat("'", name, "' has a placeholder of logs.names")
                                  : absl::StrCat("'", name, "': ", placeholders.status().message()),
                "{ip} and {hostname} are filled in here, and the rank is added");
}

absl::Status CheckMindSpore(const v1::JobSpec& spec) {
  if (!spec.mode().empty()) {
    return Refuse("mode", absl::StrCat("contract 'mindspore' has no mode '", spec.mode(), "'"),
                  "leave it out");
  }
  MUSTER_RETURN_IF_ERROR(CheckRoles(spec));
  const v1::MindSporeOptions& options = spec.mindspore();
  if (options.sched_port() < 0 || options.sched_port() > kMaxPort) {
    return Refuse("mindspore.sched_port", absl::StrCat(options.sched_port(), " is not a port"),
                  "use 1 to 65535, or leave it out to have a free one");
  }
  MUSTER_RETURN_IF_ERROR(CheckSimulation(spec));
  MUSTER_RETURN_IF_ERROR(CheckRecovery(spec));
  MUSTER_RETURN_IF_ERROR(CheckPath("mindspore.rank_table_file", options.rank_table_file()));
  MUSTER_RETURN_IF_ERROR(CheckPath("mindspore.tls_config_file", options.tls_config_file()));
  return CheckWorkerLogName(options.worker_log_name());
}

}  // namespace muster
