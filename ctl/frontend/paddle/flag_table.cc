#include "ctl/frontend/paddle/flag_table.h"

namespace muster {

using Type = PaddleFlagRow::Type;

const std::vector<PaddleFlagRow>& PaddleFlagTable() {
  static const auto* const table = new std::vector<PaddleFlagRow>{
      {{"--master"},
       Type::kText,
       nullptr,
       "PADDLE_MASTER",
       "the master, ip:port or etcd://ip:port"},
      {{"--legacy"}, Type::kBool, "False", nullptr, "use the legacy launcher"},
      {{"--rank"}, Type::kInt, "-1", "PADDLE_RANK", "rank of this node; -1: the master decides"},
      {{"--log_level"}, Type::kText, "INFO", "PADDLE_LOG_LEVEL", "CRITICAL to NOTSET"},
      {{"--log_overwrite"}, Type::kBool, "False", "PADDLE_LOG_OVERWRITE", "begin logs anew"},
      {{"--sort_ip"}, Type::kBool, "False", "PADDLE_SORT_IP", "rank nodes by their addresses"},
      {{"--enable_gpu_log"},
       Type::kBool,
       "True",
       nullptr,
       "record the GPUs' state beside the logs"},
      {{"--nnodes"}, Type::kText, "1", "PADDLE_NNODES", "number of nodes, or min:max"},
      {{"--nproc_per_node"}, Type::kInt, nullptr, "PADDLE_NPROC_PER_NODE", "processes on a node"},
      {{"--log_dir"}, Type::kText, "log", "PADDLE_LOG_DIR", "directory of the logs"},
      {{"--run_mode"}, Type::kText, nullptr, "PADDLE_RUN_MODE", "collective, ps, ps-heter or rpc"},
      {{"--job_id"}, Type::kText, "default", "PADDLE_JOB_ID", "unique id of the job"},
      {{"--devices", "--gpus", "--npus", "--xpus"},
       Type::kText,
       nullptr,
       "PADDLE_DEVICES",
       "devices of this node, like 0,1,2,3"},
      {{"--host"}, Type::kText, nullptr, "POD_IP", "address of this node"},
      {{"--ips"}, Type::kText, nullptr, "PADDLE_IPS", "deprecated: addresses of all nodes"},
      {{"--start_port"}, Type::kInt, "6070", "PADDLE_START_PORT", "first port, with --ips"},
      {{"--auto_parallel_config"},
       Type::kText,
       nullptr,
       "PADDLE_AUTO_PARALLEL_CONFIG",
       "not supported: the auto-tuner"},
      {{"--auto_cluster_config"},
       Type::kBool,
       "0",
       "PADDLE_AUTO_CLUSTER",
       "not supported: the auto-tuner"},
      {{"--auto_tuner_json"}, Type::kText, nullptr, nullptr, "not supported: the auto-tuner"},
      {{"--servers"}, Type::kText, "", "PADDLE_SERVERS_ENDPOINTS", "endpoints of all servers"},
      {{"--trainers"}, Type::kText, "", "PADDLE_TRAINERS_ENDPOINTS", "endpoints of all trainers"},
      {{"--trainer_num"}, Type::kInt, nullptr, "PADDLE_TRAINER_NUM", "trainers on this node"},
      {{"--server_num"}, Type::kInt, nullptr, "PADDLE_SERVER_NUM", "servers on this node"},
      {{"--gloo_port"}, Type::kInt, "6767", "PADDLE_GLOO_PORT", "gloo's port, with endpoints"},
      {{"--with_gloo"}, Type::kText, "1", "PADDLE_WITH_GLOO", "whether gloo is used"},
      {{"--max_restart"}, Type::kInt, "3", "PADDLE_MAX_RESTART", "restarts of an elastic job"},
      {{"--elastic_level"},
       Type::kInt,
       "-1",
       "PADDLE_ELASTIC_LEVEL",
       "-1: off; 0: a failed node leaves; 1: it restarts"},
      {{"--elastic_timeout"},
       Type::kInt,
       "30",
       "PADDLE_ELASTIC_TIMEOUT",
       "seconds to wait for nodes; ten times that for a fixed number"},
  };
  return *table;
}

const std::vector<PaddleFlagRow>& PaddleLegacyFlagTable() {
  static const auto* const table = new std::vector<PaddleFlagRow>{
      {{"--backend"}, Type::kText, "auto", nullptr, "nccl, gloo, bkcl, heter, xccl or auto"},
      {{"--selected_gpus", "--selected_xpus", "--selected_npus"},
       Type::kText,
       nullptr,
       nullptr,
       "devices of this node"},
      {{"--workers"}, Type::kText, "", nullptr, "deprecated: endpoints of all trainers"},
      {{"--worker_num"}, Type::kInt, nullptr, nullptr, "deprecated: number of trainers"},
      {{"--heter_workers"}, Type::kText, "", nullptr, "endpoints of heterogeneous trainers"},
      {{"--heter_devices"}, Type::kText, "", nullptr, "device type of each stage: gpu;cpu"},
      {{"--heter_worker_num"}, Type::kText, nullptr, nullptr, "heterogeneous trainers, like 2;1"},
      {{"--http_port"}, Type::kInt, nullptr, nullptr, "gloo's port"},
      {{"--coordinators"}, Type::kText, "", nullptr, "not supported: federated learning"},
      {{"--coordinator_num"}, Type::kInt, nullptr, nullptr, "not supported: federated learning"},
      {{"--cluster_topo_path"}, Type::kText, nullptr, nullptr, "not supported: auto-mapping"},
      {{"--rank_mapping_path"}, Type::kText, nullptr, nullptr, "not supported: auto-mapping"},
      {{"--enable_auto_mapping"}, Type::kBool, "False", nullptr, "not supported: auto-mapping"},
      {{"--elastic_server"}, Type::kText, nullptr, nullptr, "not supported: use --master etcd://"},
      {{"--elastic_pre_hook"}, Type::kText, nullptr, nullptr, "not supported: legacy elastic"},
      {{"--np"}, Type::kText, nullptr, nullptr, "not supported: legacy elastic"},
      {{"--scale"}, Type::kInt, "0", nullptr, "not supported: legacy elastic"},
      {{"--force"}, Type::kBool, "False", nullptr, "not supported: legacy elastic"},
  };
  return *table;
}

std::vector<ArgSpec> PaddleArgSpecs(const std::vector<PaddleFlagRow>& rows) {
  std::vector<ArgSpec> specs;
  for (const PaddleFlagRow& row : rows) {
    ArgSpec spec;
    spec.names.assign(row.names.begin(), row.names.end());
    spec.type = row.type == Type::kInt ? ArgSpec::Type::kInt : ArgSpec::Type::kString;
    spec.help = row.help;
    specs.push_back(spec);
  }
  return specs;
}

}  // namespace muster
