#include "launch/mindspore_env.h"

#include "absl/strings/str_cat.h"

namespace muster {
namespace {

// A process of a dry run registers nowhere.
bool IsDryRun(const MindSporeProcess& process) {
  return process.simulation || process.sim_level.has_value();
}

}  // namespace

std::map<std::string, std::string> MindSporeEnv(const MindSporeProcess& process) {
  const auto text = [](int value) { return absl::StrCat(value); };
  std::map<std::string, std::string> env;
  env["MS_WORKER_NUM"] = text(process.worker_num);
  env["RANK_SIZE"] = text(process.rank_size.value_or(process.worker_num));
  if (process.server_num > 0) env["MS_SERVER_NUM"] = text(process.server_num);
  if (!IsDryRun(process)) {
    env["MS_ROLE"] = MindSporeRoleName(process.role);
    env["MS_SCHED_HOST"] = process.sched_host;
    env["MS_SCHED_PORT"] = text(process.sched_port);
    env["MS_TOPO_TIMEOUT"] = text(process.topo_timeout_s);
  }
  if (process.sim_level) env["MS_SIMULATION_LEVEL"] = text(*process.sim_level);
  if (process.role == MindSporeRole::kScheduler) {
    env["RANK_ID"] = text(process.rank.value_or(0));
  } else if (process.rank) {
    env["RANK_ID"] = text(*process.rank);
  }
  if (process.node_id) env["MS_NODE_ID"] = *process.node_id;
  if (process.device_id) env["DEVICE_ID"] = text(*process.device_id);
  if (!process.rank_table_file.empty()) env["RANK_TABLE_FILE"] = process.rank_table_file;
  if (process.recovery) env["MS_ENABLE_RECOVERY"] = "1";
  if (!process.recovery_path.empty()) env["MS_RECOVERY_PATH"] = process.recovery_path;
  if (!process.tls_config.empty()) env["MUSTER_MS_TLS_CONFIG"] = process.tls_config;
  return env;
}

std::vector<std::string> MindSporeLeftovers(const MindSporeProcess& process) {
  const std::map<std::string, std::string> env = MindSporeEnv(process);
  std::vector<std::string> leftovers;
  for (const char* name : {"MS_NODE_ID", "MS_ROLE", "RANK_ID"}) {
    if (env.count(name) == 0) leftovers.emplace_back(name);
  }
  return leftovers;
}

const char* MindSporeRoleName(MindSporeRole role) {
  switch (role) {
    case MindSporeRole::kScheduler:
      return "MS_SCHED";
    case MindSporeRole::kServer:
      return "MS_PSERVER";
    case MindSporeRole::kWorker:
      return "MS_WORKER";
  }
  return "";
}

}  // namespace muster
