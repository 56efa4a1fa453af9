#ifndef MUSTER_LAUNCH_MINDSPORE_ENV_H_
#define MUSTER_LAUNCH_MINDSPORE_ENV_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace muster {

enum class MindSporeRole { kScheduler, kServer, kWorker };

// The facts of one process of a MindSpore cluster from which all its variables follow. Both ways to
// start one fill it in: the contract `mindspore` from a placement, `msrun` from its flags.
struct MindSporeProcess {
  MindSporeRole role = MindSporeRole::kWorker;
  int worker_num = 0;            // Workers of the whole job; also RANK_SIZE.
  std::optional<int> rank_size;  // RANK_SIZE where it is not `worker_num` (a simulation).
  int server_num = 0;            // Parameter servers of the whole job; 0: MS_SERVER_NUM is not set.
  std::string sched_host;        // An address, never a name.
  int sched_port = 0;
  int topo_timeout_s = 600;  // Until all have registered; negative: no limit.
  // Absent: MindSpore gives out the ranks itself, and neither RANK_ID nor MS_NODE_ID is set.
  std::optional<int> rank;
  std::optional<std::string> node_id;  // MS_NODE_ID.
  std::optional<int> device_id;        // Index among the host's workers.
  std::string rank_table_file;         // As the process shall see it; empty: not set.
  // Set: a dry run; no process registers anywhere, and there is no scheduler.
  std::optional<int> sim_level;
  bool simulation = false;
  bool recovery = false;      // MS_ENABLE_RECOVERY=1.
  std::string recovery_path;  // MS_RECOVERY_PATH; empty: not set.
  std::string tls_config;     // MUSTER_MS_TLS_CONFIG: see MindSporeOptions.tls_config_file.
};

// The variables that this process gets on top of its inherited ones.
std::map<std::string, std::string> MindSporeEnv(const MindSporeProcess& process);

// What the process must not inherit, because its own value is not known: see "Decided" of
// docs/coming-from.md, msrun.
std::vector<std::string> MindSporeLeftovers(const MindSporeProcess& process);

// "MS_SCHED", "MS_PSERVER", "MS_WORKER".
const char* MindSporeRoleName(MindSporeRole role);

}  // namespace muster

#endif  // MUSTER_LAUNCH_MINDSPORE_ENV_H_
