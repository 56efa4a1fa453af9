#ifndef MUSTER_CTL_FRONTEND_ENGINE_PROCESS_SPEC_H_
#define MUSTER_CTL_FRONTEND_ENGINE_PROCESS_SPEC_H_

#include <map>
#include <string>
#include <vector>

namespace muster {

// One process that a front end starts, completely described: the original tool's rules end here.
struct ProcessSpec {
  std::string name;                        // "worker 3": how lines to the user call it.
  std::vector<std::string> argv;           // argv[0] is found through the PATH of `env`.
  std::map<std::string, std::string> env;  // Complete.
  // Files that are the process's stdout and stderr, opened by us as the caller; equal: one file
  // for both. Empty: the launcher's own.
  std::string out_path;
  std::string err_path;
  bool append = false;      // Else truncated.
  bool new_session = true;  // setsid(): a session and group of its own.
  std::vector<int> cpus;    // sched_setaffinity(); empty: as the launcher.
  bool own_stdin = true;    // Takes part in the sharing of a terminal (StdinRelay).
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_ENGINE_PROCESS_SPEC_H_
