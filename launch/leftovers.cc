#include "launch/leftovers.h"

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace muster {

const std::vector<std::string>& LeftoverVariables() {
  static const auto* const kNames = new std::vector<std::string>{
      // torchrun (torch/distributed/elastic/agent/server/local_elastic_agent.py, torch 1.13).
      "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "GROUP_WORLD_SIZE",
      "ROLE_NAME", "ROLE_RANK", "ROLE_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_*",
      // Open MPI 4.1 and every launcher that speaks PMI or PMIx.
      "OMPI_COMM_WORLD_*", "OMPI_UNIVERSE_SIZE", "OMPI_APP_CTX_NUM_PROCS", "OMPI_COMMAND", "PMIX_*",
      "PMI_*", "JSM_JSRUN_PORT",
      // srun (its man page, "OUTPUT ENVIRONMENT VARIABLES"): those of one task.
      "SLURM_PROCID", "SLURM_LOCALID", "SLURM_NODEID",
      // msrun (mindspore/parallel/cluster/process_entity, 2.3 to 2.7), and what MindSpore's init()
      // itself exports. MS_NODE_TIMEOUT and the like are settings, and stay.
      "MS_ROLE", "MS_NODE_ID", "MS_NODE_RANK", "MS_SCHED_HOST", "MS_SCHED_PORT", "MS_WORKER_NUM",
      "MS_SERVER_NUM", "MS_WORKER_IP", "MS_TOPO_TIMEOUT", "MS_CLUSTER_TIMEOUT",
      "MS_SIMULATION_LEVEL", "MS_ENABLE_RECOVERY", "MS_RECOVERY_PATH", "MSRUN_CPU_LIST", "RANK_ID",
      "RANK_SIZE", "DEVICE_ID", "MUSTER_MS_TLS_CONFIG",
      // Rank tables: the second name wins over the first.
      "RANK_TABLE_FILE", "MINDSPORE_HCCL_CONFIG_PATH",
      // python -m paddle.distributed.launch, old and new: trainers, then parameter servers, stages,
      // RPC. PADDLE_XCCL_BACKEND and FLAGS_* other than these are settings, and stay.
      "PADDLE_TRAINER_ID", "PADDLE_TRAINERS_NUM", "PADDLE_TRAINER_ENDPOINTS",
      "PADDLE_CURRENT_ENDPOINT", "PADDLE_RANK_IN_NODE", "PADDLE_LOCAL_SIZE", "PADDLE_GLOBAL_RANK",
      "PADDLE_GLOBAL_SIZE", "PADDLE_LOCAL_RANK", "PADDLE_MASTER", "PADDLE_NNODES", "PADDLE_RANK",
      "PADDLE_DISTRI_BACKEND", "PADDLE_AUTO_CLUSTER", "PADDLE_LOCAL_DEVICE_IDS",
      "PADDLE_WORLD_DEVICE_IDS", "PADDLE_LOG_DIR", "PADDLE_BACKUP_ENV_PATH", "PADDLE_JOB_ID",
      "FLAGS_selected_*", "POD_NAME", "POD_IP", "PADDLE_PSERVERS_IP_PORT_LIST", "PADDLE_PORT",
      "PADDLE_ROLE", "TRAINING_ROLE", "PADDLE_WITH_GLOO", "PADDLE_GLOO_*",
      "PADDLE_COORDINATOR_ENDPOINTS", "PADDLE_ALL_HETER_TRAINER_IP_PORT_LIST",
      "PADDLE_PREVIOUS_HETER_TRAINER_IP_PORT_LIST", "PADDLE_NEXT_HETER_TRAINER_IP_PORT_LIST",
      "PADDLE_STAGE_TRAINERS_NUM", "STAGE_ID", "STAGE_NUM", "HETER_DEVICE_TYPE",
      "PADDLE_MASTER_ENDPOINT", "PADDLE_WORKER_ENDPOINT",
      // Muster: a rank that calls `msctl run`. MUSTER_DEVICES stays: it describes the host.
      "MUSTER_JOB_ID", "MUSTER_RANK", "MUSTER_WORLD_SIZE", "MUSTER_LOCAL_RANK",
      "MUSTER_LOCAL_WORLD_SIZE", "MUSTER_ROLE", "MUSTER_ROLE_RANK", "MUSTER_ROLE_WORLD_SIZE",
      "MUSTER_NODE_RANK", "MUSTER_NUM_NODES", "MUSTER_NODE_NAME", "MUSTER_MASTER_ADDR",
      "MUSTER_ATTEMPT", "MUSTER_RANK_RESTARTS", "MUSTER_FENCE_TOKEN", "MUSTER_VISIBLE_DEVICES",
      "MUSTER_RANK_DEVICES", "MUSTER_PORTS"};
  return *kNames;
}

bool MatchesVariable(const std::string& pattern, const std::string& name) {
  absl::string_view prefix = pattern;
  if (prefix.empty() || prefix.back() != '*') return pattern == name;
  prefix.remove_suffix(1);
  return absl::StartsWith(name, prefix);
}

}  // namespace muster
