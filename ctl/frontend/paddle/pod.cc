#include "ctl/frontend/paddle/pod.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/fs.h"
#include "ctl/frontend/paddle/flag_table.h"
#include "launch/leftovers.h"
#include "launch/paddle_env.h"

namespace muster {
namespace {

using Env = std::map<std::string, std::string>;

// Variables that users and operators set for this launcher, and that its processes inherit.
bool IsInput(const std::string& name) {
  const std::vector<PaddleFlagRow>& rows = PaddleFlagTable();
  return std::any_of(rows.begin(), rows.end(), [&name](const PaddleFlagRow& row) {
    return row.variable != nullptr && name == row.variable;
  });
}

bool IsLeftover(const std::string& name) {
  const std::vector<std::string> leftovers = PaddleLeftovers();
  return !IsInput(name) &&
         std::any_of(leftovers.begin(), leftovers.end(), [&name](const std::string& pattern) {
           return MatchesVariable(pattern, name);
         });
}

// Read by this launcher too, but not for its processes.
bool IsReadAndDropped(const std::string& name) {
  return name == "PADDLE_TRAINER_ID" || name == "PADDLE_TRAINER_ENDPOINTS";
}

}  // namespace

Env PaddleChildEnv(const Env& env, std::vector<std::string>* cleared) {
  Env kept;
  for (const auto& [name, value] : env) {
    if (name == "http_proxy" || name == "https_proxy") continue;
    if (IsLeftover(name)) {
      if (!IsReadAndDropped(name)) cleared->push_back(name);
      continue;
    }
    kept.emplace(name, value);
  }
  return kept;
}

std::vector<std::string> PaddleCommand(const PodSettings& settings) {
  const PaddleFlags& flags = settings.flags;
  std::vector<std::string> command;
  if (absl::EndsWith(flags.script, ".py")) {
    command = {settings.python, "-u", flags.script};
  } else if (absl::EndsWith(flags.script, ".pyxes")) {
    command = {settings.python, flags.script};
  } else {
    command = {flags.script};
  }
  command.insert(command.end(), flags.script_args.begin(), flags.script_args.end());
  return command;
}

int PaddleReplicas(const PaddleFlags& flags, const PaddleDevices& devices) {
  if (flags.nproc_per_node > 0) return flags.nproc_per_node;
  if (!flags.devices.empty()) return static_cast<int>(flags.devices.size());
  return std::max<int>(1, static_cast<int>(devices.labels.size()));
}

PodProcess MakePodProcess(const PodSettings& settings, Env env, absl::string_view log_name,
                          int index) {
  PodProcess process;
  ProcessSpec& spec = process.spec;
  spec.name = absl::StrCat("process ", index);
  spec.argv = PaddleCommand(settings);
  spec.out_path = spec.err_path = JoinPath(settings.log_dir, log_name);
  spec.append = !settings.flags.log_overwrite;
  env.insert(settings.env.begin(), settings.env.end());  // What its role gives it stays.
  env["POD_NAME"] = settings.pod_name;
  env["PADDLE_LOG_DIR"] = settings.log_dir;
  const auto id = env.find("PADDLE_TRAINER_ID");
  const bool is_trainer = id != env.end();
  const std::string backup_path =
      JoinPath(settings.log_dir,
               absl::StrCat("backup_env.", is_trainer ? id->second : absl::StrCat("server", index),
                            ".json"));
  if (is_trainer) env["PADDLE_BACKUP_ENV_PATH"] = backup_path;
  const std::string backup = PaddleBackupEnv(env);
  const bool too_long = !MoveLargeEndpointLists(&env, settings.env_limit).empty();
  if (too_long) env["PADDLE_BACKUP_ENV_PATH"] = backup_path;
  if (is_trainer || too_long) process.files.push_back({backup_path, backup});
  process.files.push_back({JoinPath(settings.log_dir, absl::StrCat("envlog.", index)),
                           absl::StrCat(absl::StrJoin(env, "\n", absl::PairFormatter("=")), "\n")});
  spec.env = std::move(env);
  return process;
}

std::string EndpointHost(const std::string& endpoint) {
  return endpoint.substr(0, endpoint.find(':'));
}

}  // namespace muster
