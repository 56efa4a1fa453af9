#ifndef MUSTER_CTL_FRONTEND_TORCHRUN_OPTIONS_H_
#define MUSTER_CTL_FRONTEND_TORCHRUN_OPTIONS_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ctl/frontend/torchrun/std_map.h"

namespace muster {

// More is a typing error, and all together would not fit a rank's number.
constexpr int kMaxNodes = 100000;
constexpr int kMaxWorkersPerNode = 10000;

// What a command line of torchrun says, checked, not yet looked at together with a host.
struct TorchrunOptions {
  int min_nodes = 1;
  int max_nodes = 1;
  std::string nproc_per_node = "1";  // A number, "auto", "cpu" or "gpu".
  std::string rdzv_backend = "static";
  std::string rdzv_endpoint;
  std::string rdzv_id = "none";
  std::map<std::string, std::string> rdzv_conf;
  bool standalone = false;
  int max_restarts = 0;
  std::string role = "default";
  bool module = false;
  bool no_python = false;
  bool run_path = false;
  std::string log_dir;
  StdMap redirects;
  StdMap tee;
  int node_rank = 0;
  std::string master_addr = "127.0.0.1";
  std::optional<int> master_port;  // Absent: not given, so 29500 or a free one.
  std::string local_addr;          // How others reach this host; torch 2.
  bool pass_local_rank = false;    // As torch.distributed.launch without --use_env.
  std::vector<std::string> given;  // Keys that came from words or PET_ variables, sorted.
  std::string script;
  std::vector<std::string> script_args;

  bool Given(const std::string& key) const;
};

// What became of a command line: options, or a text and the exit status that go with it.
struct TorchrunParse {
  TorchrunOptions options;
  std::optional<int> exit_status;  // Set: 0 with the help, 2 on a usage error, 1 on a wrong value.
  std::string text;
};

// By argparse's rules; each option's default may come from PET_<NAME> in `env`. torch 1.13.1,
// torch/distributed/run.py, get_args_parser(). Both `_` and `-` are taken, as in torch 2.
TorchrunParse ParseTorchrun(const std::string& prog, const std::vector<std::string>& words,
                            const std::map<std::string, std::string>& env);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_TORCHRUN_OPTIONS_H_
