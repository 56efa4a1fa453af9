#ifndef MUSTER_AGENT_OPTIONS_H_
#define MUSTER_AGENT_OPTIONS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rpc/credentials.h"
#include "scheduler/core/quota.h"

namespace muster {

// What msagentd was told, checked. The only place that reads the flags is options.cc.
struct AgentOptions {
  std::string state_dir;            // Absolute.
  std::vector<std::string> listen;  // At least one.
  std::string scheduler;            // Address of a static one; empty: `etcd`, or this agent itself.
  std::vector<std::string> etcd;    // "HOST:PORT" of its members, which elect the scheduler.
  std::string etcd_prefix;          // Of all keys of this cluster, without a slash at the end.
  SecurityOptions etcd_security;    // Without files: plain text.
  bool candidate = true;            // Stands for the scheduler role, where there is an election.
  std::string devices;              // As MakeDeviceProbe() takes it.
  std::map<std::string, std::string> labels;
  std::string name;
  // At which ranks on other hosts reach this one; empty: the one that the route to the scheduler
  // has.
  std::string address;
  std::string shim_path;
  std::string cgroup_root;
  int first_port = 0;
  int last_port = 0;
  absl::Duration keep_ended;
  absl::Duration keep_jobs;
  absl::Duration heartbeat_interval;
  absl::Duration node_lease;
  absl::Duration fence_grace;
  absl::Duration etcd_loss;  // How long a leader without etcd keeps up the leases of nodes.
  int max_queued_jobs = 0;
  Quota quota;
  SecurityOptions security;
  bool enable_reflection = false;

  // Whether this agent is the scheduler of its cluster, and for good.
  bool alone() const { return scheduler.empty() && etcd.empty(); }
};

// What the command line asks for.
enum class AgentVerb { kRun, kHelp, kVersion, kCheckConfig };

// Parses the flags. INVALID_ARGUMENT and the like name the flag; `*options` is valid for kRun and
// kCheckConfig. Reads the files that flags name, changes nothing.
absl::StatusOr<AgentVerb> ParseAgentOptions(const std::vector<std::string>& args,
                                            AgentOptions* options);

// Where other hosts and clients are told to connect to. Empty where there is only a Unix socket, or
// where `address` is still to be learned.
std::string PublishedHost(const AgentOptions& options);

// What these options allow and nobody should want, one line each.
std::vector<std::string> WarningsOf(const AgentOptions& options);

// What --help prints.
std::string AgentHelp();

}  // namespace muster

#endif  // MUSTER_AGENT_OPTIONS_H_
