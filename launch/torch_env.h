#ifndef MUSTER_LAUNCH_TORCH_ENV_H_
#define MUSTER_LAUNCH_TORCH_ENV_H_

#include <map>
#include <string>

namespace muster {

// The facts of one rank of a PyTorch job from which all its variables follow. Both ways to start
// one fill it in: the contract `torch` from a placement, `torchrun` from its flags and the other
// hosts' answers.
struct TorchRank {
  int rank = 0;
  int world_size = 0;
  int local_rank = 0;
  int local_world_size = 0;
  int group_rank = 0;  // A worker group is what one launcher started: a host.
  int group_world_size = 0;
  std::string role_name = "default";
  int role_rank = 0;
  int role_world_size = 0;
  std::string master_addr;  // Of the host of rank 0, which listens on `master_port` itself.
  int master_port = 0;
  int restart_count = 0;
  int max_restarts = 0;
  std::string run_id;
  std::string error_file;  // New with each rank and attempt; `record` writes the exception there.
};

// The variables that this rank gets on top of its inherited ones. torch 1.13.1,
// torch/distributed/elastic/agent/server/local_elastic_agent.py, _start_workers().
std::map<std::string, std::string> TorchEnv(const TorchRank& rank);

// What is set only where nothing else sets it: OMP_NUM_THREADS on a host with several ranks
// (torch/distributed/run.py, config_from_args()).
std::map<std::string, std::string> TorchEnvDefaults(const TorchRank& rank);

}  // namespace muster

#endif  // MUSTER_LAUNCH_TORCH_ENV_H_
