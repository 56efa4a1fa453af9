#include "launch/render.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/job/log_name.h"
#include "common/job/rank_map.h"
#include "launch/device_env.h"
#include "launch/leftovers.h"
#include "launch/position.h"
#include "launch/registry.h"

namespace muster {
namespace {

using Env = std::map<std::string, std::string>;

// The agent's environment without what other launchers left in it.
Env CleanBase(const Env& base, const std::vector<std::string>& clear,
              std::vector<std::string>* notes) {
  Env env = base;
  std::vector<std::string> cleared;
  for (const std::string& pattern : clear) {
    for (auto it = env.begin(); it != env.end();) {
      if (!MatchesVariable(pattern, it->first)) {
        ++it;
        continue;
      }
      cleared.push_back(it->first);
      it = env.erase(it);
    }
  }
  if (!cleared.empty()) {
    notes->push_back(absl::StrCat("cleared ", absl::StrJoin(cleared, ", "),
                                  ": left by another launcher; name them in `env` to keep them"));
  }
  return env;
}

template <typename Map>
void Overlay(const Map& from, Env* env) {
  for (const auto& [name, value] : from) (*env)[name] = value;
}

void SetDefaults(const Env& defaults, Env* env) {
  for (const auto& [name, value] : defaults) env->emplace(name, value);
}

void SetIdentity(const LaunchContext& context, const Position& position, Env* env) {
  const v1::NodePlacement& node = context.placement->nodes(context.node_rank);
  (*env)["MUSTER_JOB_ID"] = context.job_id;
  (*env)["MUSTER_RANK"] = absl::StrCat(position.global_rank);
  (*env)["MUSTER_WORLD_SIZE"] = absl::StrCat(position.world_size);
  (*env)["MUSTER_LOCAL_RANK"] = absl::StrCat(position.local_rank);
  (*env)["MUSTER_LOCAL_WORLD_SIZE"] = absl::StrCat(position.local_world_size);
  (*env)["MUSTER_ROLE"] = context.rank->role();
  (*env)["MUSTER_ROLE_RANK"] = absl::StrCat(position.role_rank);
  (*env)["MUSTER_ROLE_WORLD_SIZE"] = absl::StrCat(position.role_world_size);
  (*env)["MUSTER_NODE_RANK"] = absl::StrCat(context.node_rank);
  (*env)["MUSTER_NUM_NODES"] = absl::StrCat(position.num_nodes);
  (*env)["MUSTER_NODE_NAME"] = node.node_name();
  (*env)["MUSTER_MASTER_ADDR"] = position.first_node->address();
  (*env)["MUSTER_ATTEMPT"] = absl::StrCat(context.attempt);
  (*env)["MUSTER_RANK_RESTARTS"] = absl::StrCat(context.rank_restarts);
  // Grows with each attempt, and is the same for all its ranks: a store that keeps the highest one
  // it has seen can refuse what is left of an older attempt.
  (*env)["MUSTER_FENCE_TOKEN"] = absl::StrCat(context.attempt + 1);
  if (!context.rank->ports().empty()) {
    (*env)["MUSTER_PORTS"] = absl::StrJoin(context.rank->ports(), ",");
  }
}

std::string OwnDevices(const DeviceEnv& devices) {
  const auto own = devices.env.find("MUSTER_RANK_DEVICES");
  return own == devices.env.end() ? "" : own->second;
}

LogNames NameLogs(const LaunchContext& context, const Position& position, const LogNames& own) {
  const v1::LogSpec& spec = context.spec->logs();
  if (spec.dir().empty()) return {};
  std::map<std::string, std::string> values = {
      {"rank", absl::StrCat(position.global_rank)},
      {"role", context.rank->role()},
      {"role_rank", absl::StrCat(position.role_rank)},
      {"local_rank", absl::StrCat(position.local_rank)},
      {"node_rank", absl::StrCat(context.node_rank)},
      {"attempt", absl::StrCat(context.attempt)},
  };
  LogNames names;
  names.create_empty = own.create_empty;
  values["stream"] = "out";
  names.out = FillLogName(spec.names().empty() ? own.out : spec.names(), values);
  values["stream"] = "err";
  names.err = FillLogName(spec.names().empty() ? own.err : spec.names(), values);
  if (context.spec->tty()) names.err = names.out;  // A terminal has one stream.
  return names;
}

}  // namespace

absl::StatusOr<RenderedRank> RenderRank(const LaunchContext& context,
                                        const std::map<std::string, std::string>& base_env) {
  MUSTER_ASSIGN_OR_RETURN(const LaunchContract* contract, FindContract(context.spec->contract()));
  MUSTER_RETURN_IF_ERROR(CheckContract(*context.spec));
  MUSTER_ASSIGN_OR_RETURN(const Position position, FindPosition(context));
  MUSTER_ASSIGN_OR_RETURN(LaunchPlan plan, contract->Render(context));

  RenderedRank rendered;
  Env env = CleanBase(base_env, plan.clear_env, &rendered.notes);
  for (const std::string& name : plan.drop_env) env.erase(name);
  Overlay(context.spec->env(), &env);
  Overlay(context.spec->roles(FindRole(*context.spec, context.rank->role())).env(), &env);
  MUSTER_ASSIGN_OR_RETURN(const DeviceEnv devices, ShowDevices(context, env));
  Overlay(devices.env, &env);
  Overlay(plan.env, &env);
  if (!plan.own_devices_variable.empty()) {
    env[plan.own_devices_variable] = OwnDevices(devices);
  }
  SetIdentity(context, position, &env);
  SetDefaults(devices.env_defaults, &env);
  SetDefaults(plan.env_defaults, &env);

  rendered.notes.insert(rendered.notes.end(), devices.notes.begin(), devices.notes.end());
  rendered.notes.insert(rendered.notes.end(), plan.notes.begin(), plan.notes.end());
  rendered.argv = std::move(plan.argv);
  rendered.env = std::move(env);
  rendered.files = std::move(plan.files);
  rendered.inputs = std::move(plan.inputs);
  rendered.workdir = plan.workdir.empty() ? context.spec->workdir()
                                          : JoinPath(context.spec->workdir(), plan.workdir);
  rendered.bind = plan.bind;
  rendered.logs = NameLogs(context, position, plan.logs);
  return rendered;
}

}  // namespace muster
