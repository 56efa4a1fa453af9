// The variables of Paddle's processes, from plain facts. Both ways to start one fill the facts in:
// the contracts `paddle_*` from a placement, `paddle-launch` from its flags and the other hosts'
// answers. Source: `python -m paddle.distributed.launch` of Paddle's 3.0 line.
#ifndef MUSTER_LAUNCH_PADDLE_ENV_H_
#define MUSTER_LAUNCH_PADDLE_ENV_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "launch/paddle_poprun.h"  // IWYU pragma: export
#include "launch/paddle_ps_env.h"  // IWYU pragma: export

namespace muster {

// One trainer of a collective job.
struct PaddleTrainer {
  std::string master;                  // PADDLE_MASTER, "ip:port"; empty: not set.
  std::vector<std::string> endpoints;  // Of all trainers, in rank order; size = world size.
  int global_rank = 0;
  int local_rank = 0;
  int local_size = 0;
  int num_nodes = 0;
  // What the host calls its devices ("gpus", "xpus", "npus", "mlus", "ipus", or a custom kind's
  // name with an 's'); empty: none, so the backend is gloo.
  std::string device_flag;
  std::string devices;       // FLAGS_selected_<device_flag>: indices into the visible list, "0,1".
  std::string xccl_backend;  // Set: a custom device (PADDLE_XCCL_BACKEND).
  bool auto_cluster = true;  // PADDLE_AUTO_CLUSTER=0 is set, as the 3.0 line does.
};
std::map<std::string, std::string> PaddleTrainerEnv(const PaddleTrainer& trainer);

// One worker of an RPC job.
struct PaddleRpcWorker {
  std::string master;           // PADDLE_MASTER_ENDPOINT.
  std::string worker_endpoint;  // PADDLE_WORKER_ENDPOINT.
  int rank = 0;
  int world_size = 0;
};
std::map<std::string, std::string> PaddleRpcEnv(const PaddleRpcWorker& worker);

// PADDLE_ENV_LIMIT_LEN's default: a PADDLE_TRAINER_ENDPOINTS of this length or more is not
// exported.
inline constexpr size_t kPaddleEnvLimit = 48000;

// What `backup_env.<trainer id>.json` holds: the variables of one process, sorted. Paddle looks a
// variable that it does not find in its environment up in there (PADDLE_BACKUP_ENV_PATH).
std::string PaddleBackupEnv(const std::map<std::string, std::string>& env);

// Takes the endpoint lists that are too long out of `env`: PADDLE_TRAINER_ENDPOINTS from `limit`
// on, any other from 128 KiB on, which Linux refuses (MAX_ARG_STRLEN). Returns PaddleBackupEnv() of
// what `env` was when it took one, else "". The caller writes that file and names it in
// PADDLE_BACKUP_ENV_PATH.
std::string MoveLargeEndpointLists(std::map<std::string, std::string>* env,
                                   size_t limit = kPaddleEnvLimit);

// Left behind by a launcher, never passed on to a process of a new one. A name that ends in '*'
// means all that begin so.
std::vector<std::string> PaddleLeftovers();

}  // namespace muster

#endif  // MUSTER_LAUNCH_PADDLE_ENV_H_
