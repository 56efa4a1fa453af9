// The variables of each launcher's contract, typed a second time: none may slip through.
#include "launch/leftovers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace muster {
namespace {

bool IsLeftover(const std::string& name) {
  const auto& patterns = LeftoverVariables();
  return std::any_of(patterns.begin(), patterns.end(), [&name](const std::string& pattern) {
    return MatchesVariable(pattern, name);
  });
}

TEST(LeftoversTest, EveryVariableOfEveryLauncherIsOne) {
  for (const char* name : {
           // torchrun: "Environment of each rank".
           "RANK",
           "WORLD_SIZE",
           "LOCAL_RANK",
           "LOCAL_WORLD_SIZE",
           "GROUP_RANK",
           "GROUP_WORLD_SIZE",
           "ROLE_NAME",
           "ROLE_RANK",
           "ROLE_WORLD_SIZE",
           "MASTER_ADDR",
           "MASTER_PORT",
           "TORCHELASTIC_RESTART_COUNT",
           "TORCHELASTIC_MAX_RESTARTS",
           "TORCHELASTIC_RUN_ID",
           "TORCHELASTIC_USE_AGENT_STORE",
           "TORCHELASTIC_ERROR_FILE",
           // MindSpore 1.3, 2, 3.4.
           "RANK_SIZE",
           "MS_WORKER_NUM",
           "MS_SCHED_HOST",
           "MS_SCHED_PORT",
           "MS_TOPO_TIMEOUT",
           "MS_CLUSTER_TIMEOUT",
           "MS_ROLE",
           "RANK_ID",
           "MS_NODE_ID",
           "DEVICE_ID",
           "MS_NODE_RANK",
           "RANK_TABLE_FILE",
           "MS_SIMULATION_LEVEL",
           "MSRUN_CPU_LIST",
           "MS_ENABLE_RECOVERY",
           "MS_SERVER_NUM",
           "MS_WORKER_IP",
           "MS_RECOVERY_PATH",
           "MINDSPORE_HCCL_CONFIG_PATH",
           // MPI 1.
           "OMPI_COMM_WORLD_RANK",
           "OMPI_COMM_WORLD_SIZE",
           "OMPI_COMM_WORLD_LOCAL_RANK",
           "OMPI_COMMAND",
           "PMIX_RANK",
           "JSM_JSRUN_PORT",
           // Paddle 2.1 to 2.7.
           "PADDLE_MASTER",
           "PADDLE_GLOBAL_SIZE",
           "PADDLE_TRAINERS_NUM",
           "PADDLE_LOCAL_SIZE",
           "PADDLE_GLOBAL_RANK",
           "PADDLE_TRAINER_ID",
           "PADDLE_LOCAL_RANK",
           "PADDLE_RANK_IN_NODE",
           "PADDLE_NNODES",
           "PADDLE_TRAINER_ENDPOINTS",
           "PADDLE_CURRENT_ENDPOINT",
           "FLAGS_selected_gpus",
           "FLAGS_selected_accelerators",
           "PADDLE_DISTRI_BACKEND",
           "PADDLE_AUTO_CLUSTER",
           "PADDLE_LOG_DIR",
           "PADDLE_BACKUP_ENV_PATH",
           "POD_NAME",
           "POD_IP",
           "PADDLE_PSERVERS_IP_PORT_LIST",
           "PADDLE_PORT",
           "PADDLE_ROLE",
           "TRAINING_ROLE",
           "PADDLE_GLOO_RENDEZVOUS",
           "PADDLE_GLOO_FS_PATH",
           "PADDLE_GLOO_HTTP_ENDPOINT",
           "PADDLE_WITH_GLOO",
           "PADDLE_COORDINATOR_ENDPOINTS",
           "PADDLE_ALL_HETER_TRAINER_IP_PORT_LIST",
           "PADDLE_PREVIOUS_HETER_TRAINER_IP_PORT_LIST",
           "PADDLE_NEXT_HETER_TRAINER_IP_PORT_LIST",
           "PADDLE_STAGE_TRAINERS_NUM",
           "STAGE_ID",
           "STAGE_NUM",
           "HETER_DEVICE_TYPE",
           "PADDLE_LOCAL_DEVICE_IDS",
           "PADDLE_WORLD_DEVICE_IDS",
           "PADDLE_MASTER_ENDPOINT",
           "PADDLE_WORKER_ENDPOINT",
           "PADDLE_JOB_ID",
       }) {
    EXPECT_TRUE(IsLeftover(name)) << name;
  }
}

TEST(LeftoversTest, SettingsOfTheUsersStay) {
  for (const char* name :
       {"PATH", "MS_NODE_TIMEOUT", "MS_RECEIVE_MSG_TIMEOUT", "GLOG_v", "HCCL_CONNECT_TIMEOUT",
        "FLAGS_check_nan_inf", "PADDLE_XCCL_BACKEND", "OMPI_MCA_btl", "OMP_NUM_THREADS",
        "NCCL_DEBUG", "MUSTER_DEVICES", "CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID", "RANKS"}) {
    EXPECT_FALSE(IsLeftover(name)) << name;
  }
}

}  // namespace
}  // namespace muster
