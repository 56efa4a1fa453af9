// The variables of Paddle's processes, from plain facts. Both ways to start one fill the facts in:
// the contracts `paddle_*` from a placement, `paddle-launch` from its flags and the other hosts'
// answers.
#ifndef MUSTER_LAUNCH_PADDLE_ENV_H_
#define MUSTER_LAUNCH_PADDLE_ENV_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

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

enum class PaddlePsRole { kServer, kTrainer, kHeterTrainer };

// How the processes of a parameter-server job find each other through gloo.
struct PaddleGloo {
  std::string with_gloo = "1";  // PADDLE_WITH_GLOO, passed on as given.
  std::string fs_path;          // PADDLE_GLOO_FS_PATH: a path that does not exist.
  std::string http_endpoint;    // "ip:port" of the first server's host.
};

// One process of a parameter-server job, with or without heterogeneous stages.
struct PaddlePsProcess {
  PaddlePsRole role = PaddlePsRole::kTrainer;
  std::vector<std::string> servers;   // "ip:port" of all, in order.
  std::vector<std::string> trainers;  // The same; for heterogeneous jobs the trainers of stage 1.
  int index = 0;                      // Within the role, over all hosts.
  std::string endpoint;               // Its own "ip:port".
  std::optional<int> num_nodes;       // PADDLE_NNODES; absent in a job given by endpoints.
  PaddleGloo gloo;
  // The legacy launcher's rules (`--worker_num`, `--workers`, heterogeneous jobs): no PADDLE_ROLE,
  // and a trainer gets `device` as its only visible one.
  bool legacy = false;
  std::string device;
  // Heterogeneous jobs: endpoints of stage 2 and on. Empty: not heterogeneous.
  std::vector<std::vector<std::string>> heter_stages;
  int stage = 1;             // 1: trainers on the CPU.
  std::string heter_device;  // HETER_DEVICE_TYPE of this process, "cpu" or "gpu".
};
std::map<std::string, std::string> PaddlePsEnv(const PaddlePsProcess& process);

// One worker of an RPC job.
struct PaddleRpcWorker {
  std::string master;           // PADDLE_MASTER_ENDPOINT.
  std::string worker_endpoint;  // PADDLE_WORKER_ENDPOINT.
  int rank = 0;
  int world_size = 0;
};
std::map<std::string, std::string> PaddleRpcEnv(const PaddleRpcWorker& worker);

// The command line of a job on IPUs.
struct PaddleIpuJob {
  int devices = 0;
  std::vector<std::string> hosts;
  int nproc_per_host = 0;
  int ipus_per_replica = 0;
  std::string partition;
  std::string vipu_server;
  std::string log_level;             // POPART_LOG_LEVEL; empty: left out.
  std::vector<std::string> command;  // Interpreter, script, arguments.
};
// The parts of the poprun line, each to be joined by a blank (the original does not quote them), or
// what does not divide: INVALID_ARGUMENT is told by the caller, which checks with PaddleIpuFault().
std::vector<std::string> PaddlePoprunParts(const PaddleIpuJob& job);
// "" when counts divide; else one line that says which do not.
std::string PaddleIpuFault(const PaddleIpuJob& job);

// Linux refuses a variable of 128 KiB (MAX_ARG_STRLEN). Past it the endpoint lists go into a file:
// takes them out of `env`, and returns what the file holds (one "NAME=value" a line) or "".
// `file_variable` then names where the process finds it.
std::string MoveLargeEndpointLists(std::map<std::string, std::string>* env);

// Left behind by a launcher, never passed on to a process of a new one.
std::vector<std::string> PaddleLeftovers();

}  // namespace muster

#endif  // MUSTER_LAUNCH_PADDLE_ENV_H_
