#ifndef MUSTER_LAUNCH_PADDLE_PS_ENV_H_
#define MUSTER_LAUNCH_PADDLE_PS_ENV_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace muster {

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
  // The legacy launcher's rules (`--worker_num`, `--workers`, heterogeneous jobs): no PADDLE_ROLE
  // and PADDLE_NNODES, and a trainer of either kind gets `device` as its only visible one.
  bool legacy = false;
  std::string device;  // Empty: "0".
  // Heterogeneous jobs: endpoints of stage 2 and on. Empty: not heterogeneous.
  std::vector<std::vector<std::string>> heter_stages;
  int stage = 1;             // 1: trainers on the CPU.
  std::string heter_device;  // HETER_DEVICE_TYPE of this process, "cpu" or "gpu".
};
std::map<std::string, std::string> PaddlePsEnv(const PaddlePsProcess& process);

}  // namespace muster

#endif  // MUSTER_LAUNCH_PADDLE_PS_ENV_H_
