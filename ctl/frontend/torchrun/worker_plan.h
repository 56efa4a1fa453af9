#ifndef MUSTER_CTL_FRONTEND_TORCHRUN_WORKER_PLAN_H_
#define MUSTER_CTL_FRONTEND_TORCHRUN_WORKER_PLAN_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ctl/frontend/engine/process_spec.h"
#include "ctl/frontend/torchrun/host_facts.h"
#include "ctl/frontend/torchrun/messages.h"
#include "ctl/frontend/torchrun/options.h"

namespace muster {

// What the workers of this node have in common.
struct WorkerPlan {
  std::vector<std::string> command;  // With macros: "${local_rank}" in all but the program.
  std::string title;                 // "train.py": how the table of failures calls it.
  int nproc = 1;
  std::string role;
  std::string run_id;
  int max_restarts = 0;
  StdMap redirects;
  StdMap tee;
  std::string master_addr;                 // Where the leader names none.
  std::map<std::string, std::string> env;  // The caller's.
  bool threads_note = false;               // OMP_NUM_THREADS was not the caller's choice.
};

// `run_id` and `master_addr` are of the rendezvous. INVALID_ARGUMENT: a number of workers that this
// host cannot tell.
absl::StatusOr<WorkerPlan> MakeWorkerPlan(const TorchrunOptions& options, const HostFacts& host,
                                          const std::map<std::string, std::string>& env,
                                          const std::string& run_id,
                                          const std::string& master_addr);

// "--nproc_per_node" on this host.
absl::StatusOr<int> WorkersPerNode(const std::string& text, const HostFacts& host);

// The command of every worker, macros not yet replaced.
std::vector<std::string> WorkerCommand(const TorchrunOptions& options, const std::string& python);

// Files of one worker within the directory of an attempt: torchrun's own names.
struct WorkerFiles {
  std::string dir;
  std::string out;
  std::string err;
  std::string error;  // Written by the worker itself.
};
WorkerFiles FilesOf(const std::string& attempt_dir, int local_rank);

// One worker, completely described.
ProcessSpec WorkerProcess(const WorkerPlan& plan, const WorldPlace& place, int local_rank,
                          const std::string& attempt_dir);

// Python's string.Template.safe_substitute(local_rank=…).
std::string SubstituteLocalRank(const std::string& text, const std::string& local_rank);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_TORCHRUN_WORKER_PLAN_H_
