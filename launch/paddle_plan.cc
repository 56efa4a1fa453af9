#include "launch/paddle_plan.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/job/job_defaults.h"
#include "common/job/rank_map.h"
#include "google/protobuf/descriptor.h"
#include "launch/leftovers.h"
#include "launch/paddle_env.h"

namespace muster {
namespace {

constexpr uint32_t kMaxPort = 65535;

absl::Status CheckMode(const v1::JobSpec& spec, const PaddleTakes& takes) {
  if (spec.mode().empty() || (takes.legacy_mode && spec.mode() == "legacy")) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("mode: contract '", takes.contract, "' has no mode '", spec.mode(), "'; ",
                   takes.legacy_mode ? "use legacy, or leave it out" : "leave it out"));
}

absl::Status CheckSettings(const v1::PaddleOptions& options, const PaddleTakes& takes) {
  std::vector<const google::protobuf::FieldDescriptor*> set;
  options.GetReflection()->ListFields(options, &set);
  for (const google::protobuf::FieldDescriptor* field : set) {
    if (std::find(takes.settings.begin(), takes.settings.end(), field->name()) !=
        takes.settings.end()) {
      continue;
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "paddle.", field->name(), ": contract '", takes.contract, "' has no such setting; ",
        takes.settings.empty() ? "leave it out"
                               : absl::StrCat("it has ", absl::StrJoin(takes.settings, ", "))));
  }
  const int port = options.gloo_port();
  if (port >= 0 && port <= static_cast<int>(kMaxPort)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("paddle.gloo_port: there is no port ", port,
                   "; use 1 to 65535, or leave it out for a free one"));
}

absl::Status CheckVisible(const v1::JobSpec& spec, const PaddleTakes& takes) {
  if (takes.own_devices_only) return absl::OkStatus();
  for (int i = 0; i < spec.roles_size(); ++i) {
    if (DevicesOf(spec, spec.roles(i)).visible() != v1::VISIBLE_DEVICES_RANK) continue;
    const bool own = spec.roles(i).has_devices_per_rank() && spec.roles_size() > 1;
    return absl::InvalidArgumentError(absl::StrCat(
        own ? absl::StrCat("roles[", i, "].") : "", "devices_per_rank.visible: contract '",
        takes.contract, "' tells a rank its devices by their index on the host; use host"));
  }
  return absl::OkStatus();
}

std::string LogDir(const LaunchContext& context) {
  const v1::JobSpec& spec = *context.spec;
  if (spec.logs().dir().empty()) return context.gang_dir;
  if (spec.logs().dir()[0] == '/') return spec.logs().dir();
  return JoinPath(spec.workdir(), spec.logs().dir());
}

// Paddle splits an endpoint at its first colon.
absl::Status CheckAddress(const v1::NodePlacement& node) {
  if (!absl::StrContains(node.address(), ':')) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("host ", node.node_name(), " has the IPv6 address ", node.address(),
                   ", and Paddle's endpoints are IPv4; give its agent an IPv4 address"));
}

// PADDLE_ENV_LIMIT_LEN, where the job sets it.
size_t EnvLimit(const v1::JobSpec& spec) {
  const auto limit = spec.env().find("PADDLE_ENV_LIMIT_LEN");
  uint32_t value = 0;
  if (limit != spec.env().end() && absl::SimpleAtoi(limit->second, &value)) return value;
  return kPaddleEnvLimit;
}

// Paddle's launcher keeps this file of every process with a trainer id. Others, and those of the
// legacy launcher, get it only when they need it.
void BackUp(const LaunchContext& context, LaunchPlan* plan) {
  const auto id = plan->env.find("PADDLE_TRAINER_ID");
  const bool has_id = id != plan->env.end();
  const std::string name = has_id ? absl::StrCat("backup_env.", id->second, ".json")
                                  : absl::StrCat("backup_env.", context.rank->role(), ".",
                                                 context.rank->rank(), ".json");
  const bool always = has_id && plan->env.count("POD_NAME") > 0;
  std::string backup = always ? PaddleBackupEnv(plan->env) : "";
  const std::string large = MoveLargeEndpointLists(&plan->env, EnvLimit(*context.spec));
  if (!always) backup = large;
  if (backup.empty()) return;
  plan->env["PADDLE_BACKUP_ENV_PATH"] = JoinPath(context.gang_dir, name);
  plan->files.push_back({name, 0600, std::move(backup)});
}

}  // namespace

absl::Status CheckPaddleSpec(const v1::JobSpec& spec, const PaddleTakes& takes) {
  if (absl::Status status = CheckMode(spec, takes); !status.ok()) return status;
  if (absl::Status status = CheckSettings(spec.paddle(), takes); !status.ok()) return status;
  if (absl::Status status = CheckVisible(spec, takes); !status.ok()) return status;
  if (spec.restart().scope() != v1::RESTART_SCOPE_RANK) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("restart.scope: contract '", takes.contract,
                   "' cannot take a single rank back into a running job; use gang"));
}

std::vector<RoleNeeds> PaddleMasterNeeds(const v1::JobSpec& spec) {
  std::vector<RoleNeeds> needs;
  for (const v1::RoleSpec& role : spec.roles())
    needs.push_back({role.name(), 1, needs.empty() ? 1 : 0});
  return needs;
}

absl::StatusOr<std::vector<std::string>> PaddleEndpoints(const v1::Placement& placement,
                                                         const std::string& role) {
  std::vector<std::string> endpoints;
  for (const v1::NodePlacement& node : placement.nodes()) {
    for (const v1::RankPlacement& rank : node.ranks()) {
      if (rank.role() != role) continue;
      MUSTER_RETURN_IF_ERROR(CheckAddress(node));
      if (rank.ports().empty() || rank.rank() < 0) {
        return absl::InternalError(
            absl::StrCat("placement: ", role, " ", rank.rank(), " has no port of its own"));
      }
      const size_t index = static_cast<size_t>(rank.rank());
      if (endpoints.size() <= index) endpoints.resize(index + 1);
      endpoints[index] = absl::StrCat(node.address(), ":", rank.ports(rank.ports_size() - 1));
    }
  }
  return endpoints;
}

absl::StatusOr<std::string> PaddleFirstEndpoint(const v1::Placement& placement,
                                                const std::string& role) {
  for (const v1::NodePlacement& node : placement.nodes()) {
    for (const v1::RankPlacement& rank : node.ranks()) {
      if (rank.role() != role || rank.rank() != 0 || rank.ports().empty()) continue;
      return absl::StrCat(node.address(), ":", rank.ports(0));
    }
  }
  return absl::InternalError(absl::StrCat("placement: ", role, " 0 has no port"));
}

std::string PaddlePodName(const std::string& job_id, int node_rank) {
  uint64_t hash = 14695981039346656037u;  // FNV-1a.
  for (const char c : absl::StrCat(job_id, "/", node_rank)) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  std::string name;
  for (int i = 0; i < 6; ++i) {
    name += static_cast<char>('a' + hash % 26);
    hash /= 26;
  }
  return name;
}

void SetPaddlePod(const LaunchContext& context, LaunchPlan* plan) {
  plan->env["POD_NAME"] = PaddlePodName(context.job_id, context.node_rank);
  plan->env["PADDLE_LOG_DIR"] = LogDir(context);
}

void FinishPaddlePlan(const LaunchContext& context, const std::string& log_name, LaunchPlan* plan) {
  const v1::JobSpec& spec = *context.spec;
  const auto& command = CommandOf(spec, spec.roles(FindRole(spec, context.rank->role())));
  if (plan->argv.empty()) plan->argv.assign(command.begin(), command.end());
  plan->logs = {log_name, log_name, true};  // Both streams share the file.
  plan->clear_env = LeftoverVariables();
  for (std::string& name : PaddleLeftovers()) plan->clear_env.push_back(std::move(name));
  // A proxy would stand between processes that talk to each other by HTTP.
  plan->drop_env = {"http_proxy", "https_proxy"};
  BackUp(context, plan);
}

}  // namespace muster
