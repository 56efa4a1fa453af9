#include "launch/torch_env.h"

#include "absl/strings/str_cat.h"

namespace muster {

std::map<std::string, std::string> TorchEnv(const TorchRank& rank) {
  return {
      {"RANK", absl::StrCat(rank.rank)},
      {"WORLD_SIZE", absl::StrCat(rank.world_size)},
      {"LOCAL_RANK", absl::StrCat(rank.local_rank)},
      {"LOCAL_WORLD_SIZE", absl::StrCat(rank.local_world_size)},
      {"GROUP_RANK", absl::StrCat(rank.group_rank)},
      {"GROUP_WORLD_SIZE", absl::StrCat(rank.group_world_size)},
      {"ROLE_NAME", rank.role_name},
      {"ROLE_RANK", absl::StrCat(rank.role_rank)},
      {"ROLE_WORLD_SIZE", absl::StrCat(rank.role_world_size)},
      {"MASTER_ADDR", rank.master_addr},
      {"MASTER_PORT", absl::StrCat(rank.master_port)},
      {"TORCHELASTIC_RESTART_COUNT", absl::StrCat(rank.restart_count)},
      {"TORCHELASTIC_MAX_RESTARTS", absl::StrCat(rank.max_restarts)},
      {"TORCHELASTIC_RUN_ID", rank.run_id},
      // Rank 0 itself listens on MASTER_PORT: no launcher holds a store there.
      {"TORCHELASTIC_USE_AGENT_STORE", "False"},
      {"TORCHELASTIC_ERROR_FILE", rank.error_file},
  };
}

std::map<std::string, std::string> TorchEnvDefaults(const TorchRank& rank) {
  if (rank.local_world_size < 2) return {};
  return {{"OMP_NUM_THREADS", "1"}};
}

}  // namespace muster
