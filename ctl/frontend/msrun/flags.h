#ifndef MUSTER_CTL_FRONTEND_MSRUN_FLAGS_H_
#define MUSTER_CTL_FRONTEND_MSRUN_FLAGS_H_

#include <optional>
#include <string>
#include <vector>

#include "ctl/frontend/msrun/bind_core.h"

namespace muster {

// msrun's command line, with its defaults (MindSpore 2.7).
struct MsrunFlags {
  int worker_num = 8;
  int local_worker_num = 8;
  std::string master_addr = "127.0.0.1";
  int master_port = 8118;
  int node_rank = -1;
  std::string log_dir;
  bool join = false;
  int cluster_time_out = 600;
  BindCore bind_core;
  std::optional<int> sim_level;
  int sim_rank_id = -1;
  std::string rank_table_file;
  std::string worker_log_name;
  std::string tail_worker_log = "-1";
  bool propagate_exit_code = false;  // Ours.
  std::string task_script;
  std::vector<std::string> task_script_args;

  bool port_given = false;
  bool address_given = false;
};

struct MsrunParse {
  MsrunFlags flags;
  std::optional<std::string> usage_error;  // As argparse writes it; exit status 2.
  std::optional<std::string> help;         // Asked for.
};

// `words` without the program's name.
MsrunParse ParseMsrun(const std::vector<std::string>& words);

// `python SCRIPT ARGUMENT…`, or the words themselves where the script is python or pytest.
std::vector<std::string> MsrunCommand(const MsrunFlags& flags);

// The ranks that --tail_worker_log names; nullopt: all. Of a bad text `error` is Python's own.
struct TailChoice {
  std::optional<std::vector<int>> ranks;
  std::string error;
};
TailChoice ParseTail(const std::string& text);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_MSRUN_FLAGS_H_
