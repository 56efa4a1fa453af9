#ifndef MUSTER_AGENT_OPTIONS_H_
#define MUSTER_AGENT_OPTIONS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rpc/credentials.h"

namespace muster {

// What msagentd was told, checked. The only place that reads the flags is options.cc.
struct AgentOptions {
  std::string state_dir;            // Absolute.
  std::vector<std::string> listen;  // At least one.
  std::string scheduler;            // Address; empty: this agent holds the scheduler role.
  std::string devices;              // As MakeDeviceProbe() takes it.
  std::map<std::string, std::string> labels;
  std::string name;
  std::string address;  // At which ranks on other hosts reach this one.
  std::string shim_path;
  std::string cgroup_root;
  int first_port = 0;
  int last_port = 0;
  absl::Duration keep_ended;
  absl::Duration keep_jobs;
  absl::Duration heartbeat_interval;
  int max_queued_jobs = 0;
  SecurityOptions security;
  bool enable_reflection = false;
};

// What the command line asks for.
enum class AgentVerb { kRun, kHelp, kVersion, kCheckConfig };

// Parses the flags. INVALID_ARGUMENT and the like name the flag; `*options` is valid for kRun and
// kCheckConfig. Reads the files that flags name, changes nothing.
absl::StatusOr<AgentVerb> ParseAgentOptions(const std::vector<std::string>& args,
                                            AgentOptions* options);

// What --help prints.
std::string AgentHelp();

}  // namespace muster

#endif  // MUSTER_AGENT_OPTIONS_H_
