// What one host starts of a job: Paddle's pod. Planners fill it in; PodRunner runs it.
#ifndef MUSTER_CTL_FRONTEND_PADDLE_POD_H_
#define MUSTER_CTL_FRONTEND_PADDLE_POD_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "ctl/frontend/engine/process_spec.h"
#include "ctl/frontend/paddle/devices.h"
#include "ctl/frontend/paddle/flags.h"

namespace muster {

// A file that is written before its process starts, readable by its owner only: it holds the
// process's environment.
struct PodFile {
  std::string path;
  std::string text;
};

struct PodProcess {
  ProcessSpec spec;
  std::vector<PodFile> files;
  // Its success is waited for; others are stopped once all of those have ended.
  bool awaited = true;
};

struct PodPlan {
  std::vector<PodProcess> processes;  // Servers, then trainers by rank.
  std::vector<std::string> notes;     // Lines for stdout, before the start.
};

// What all planners of a pod need.
struct PodSettings {
  PaddleFlags flags;
  std::map<std::string, std::string> env;  // Every process's, below what its role gives it.
  std::string pod_name;
  std::string log_dir;  // Absolute.
  std::string python;
  std::string node_ip;
  PaddleDevices devices;
  std::string gloo_path;  // A path below the temporary directory that does not exist.
  size_t env_limit = 0;   // From this length on an endpoint list goes to a file.
};

// The launcher's environment as its processes inherit it: without proxies and without what another
// launcher left behind, which `cleared` then names. What is an input of this launcher stays.
std::map<std::string, std::string> PaddleChildEnv(const std::map<std::string, std::string>& env,
                                                  std::vector<std::string>* cleared);

// `interpreter -u script args`, `interpreter script args` for .pyxes, or the program itself.
std::vector<std::string> PaddleCommand(const PodSettings& settings);

// Processes of this host: --nproc_per_node, else one for each chosen or visible device, else 1.
int PaddleReplicas(const PaddleFlags& flags, const PaddleDevices& devices);

// One process of today's launcher, with its files: `env` is what its role gives it, `log_name` its
// log's, `index` its position in the pod.
PodProcess MakePodProcess(const PodSettings& settings, std::map<std::string, std::string> env,
                          absl::string_view log_name, int index);

// The address of an endpoint: "10.0.0.1" of "10.0.0.1:6170".
std::string EndpointHost(const std::string& endpoint);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_POD_H_
