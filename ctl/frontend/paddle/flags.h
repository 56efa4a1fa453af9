#ifndef MUSTER_CTL_FRONTEND_PADDLE_FLAGS_H_
#define MUSTER_CTL_FRONTEND_PADDLE_FLAGS_H_

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "ctl/frontend/frontend.h"

namespace muster {

// What a command line and its environment ask of paddle-launch, with defaults filled in.
struct PaddleFlags {
  std::string master;  // "ip:port" or "etcd://ip:port", without "http://"; empty: none.
  int rank = -1;
  std::string log_level = "INFO";
  bool log_overwrite = false;
  bool sort_ip = false;
  bool enable_gpu_log = true;
  int min_nodes = 1;
  int max_nodes = 1;
  bool elastic = false;    // min:max was given.
  int nproc_per_node = 0;  // 0: one for each device.
  std::string log_dir = "log";
  std::string run_mode;  // Empty: by the other flags.
  std::string job_id = "default";
  std::vector<std::string> devices;  // Labels; empty: all.
  std::string host;
  std::vector<std::string> ips;
  int start_port = 6070;
  std::vector<std::string> servers;   // "ip:port"
  std::vector<std::string> trainers;  // "ip:port" or "ip".
  std::optional<int> server_num;
  std::optional<int> trainer_num;
  int gloo_port = 6767;
  std::string with_gloo = "1";
  int max_restart = 3;
  int elastic_level = -1;
  int elastic_timeout = 30;
  std::string script;
  std::vector<std::string> script_args;

  // Whether the legacy launcher takes over, and what only it knows.
  bool legacy = false;
  std::vector<std::string> workers;  // "ip:port" or "ip".
  std::optional<int> worker_num;
  std::vector<std::vector<std::string>> heter_workers;  // By stage, from stage 2 on.
  std::vector<int> heter_worker_num;                    // The same.
  std::vector<std::string> heter_devices;               // The same.
  std::optional<int> http_port;
};

// A command line, read.
struct PaddleCommandLine {
  PaddleFlags flags;
  std::vector<std::string> overrides;  // Lines for stdout: variables that beat the command line.
  std::vector<std::string> warnings;   // For the log.
  // "key: value" of every flag, sorted, as Python prints them: the Configuration block.
  std::vector<std::string> configuration;
  // Set: nothing is started. `refusal` goes to stderr as it is, and `exit_code` is returned; for
  // --help it is for stdout, with 0.
  std::optional<std::string> refusal;
  int exit_code = 0;
};

// Reads `call` by the rules of the original: the environment beats the command line, flags that
// only the legacy launcher knows switch to it unless there is a master. Checks every value.
PaddleCommandLine ReadPaddleCommandLine(const FrontendCall& call);

// How long a start waits for nodes: --elastic_timeout, ten times that for a fixed number of nodes,
// and never less than 3 s.
absl::Duration PaddleStartTimeout(const PaddleFlags& flags);

// "['a', 'b']", as Python prints a list of strings.
std::string PythonList(const std::vector<std::string>& items);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_FLAGS_H_
