#ifndef MUSTER_CTL_FRONTEND_FRONTEND_H_
#define MUSTER_CTL_FRONTEND_FRONTEND_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "muster/v1/job.pb.h"

namespace muster {

// What a front end is called with.
struct FrontendCall {
  std::vector<std::string> words;          // Without the program's name.
  std::map<std::string, std::string> env;  // The caller's.
  std::string current_dir;
  std::string program;  // How the user called it, for usage and copied command lines.
};

// A job on the agents that means the same as a front end's command line.
struct FrontendJob {
  v1::JobSpec spec;                // Not completed yet (CompleteSpec).
  std::vector<std::string> notes;  // Lines for the user: what is different behind agents.
  // Ranks whose output is shown; absent: all.
  std::optional<std::vector<int>> shown_ranks;
  std::string shown_role;  // Whose ranks these are; empty: the workers'.
  // --help was asked for: the launcher's, for stdout. There is no job then.
  std::optional<std::string> help;
};

// One original launcher: a drop-in that needs no daemon, and the same flags as a job.
struct Frontend {
  std::string name;  // "msrun": the verb of msctl, and the program's name as a link.
  std::vector<std::string> aliases;  // "fleetrun".
  std::string summary;
  // Runs it here, to its end, as the original would. Returns the exit code.
  int (*run)(const FrontendCall& call) = nullptr;
  // Whether `command` (argv of `msctl run -- …`) calls this launcher; then its own words.
  std::optional<std::vector<std::string>> (*match)(const std::vector<std::string>& command) =
      nullptr;
  // The same as a job. INVALID_ARGUMENT carries the original's message, its usage included.
  absl::StatusOr<FrontendJob> (*to_job)(const FrontendCall& call) = nullptr;
};

const std::vector<const Frontend*>& AllFrontends();

// By name or alias; nullptr when there is none.
const Frontend* FindFrontend(const std::string& name);

// Runs the front end that a call of this program means: `msctl msrun …`, or any name that is a link
// to it (`program` is argv[0]). Returns its exit code; nullopt: none is meant.
std::optional<int> RunFrontend(const std::string& program, const std::vector<std::string>& words);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_FRONTEND_H_
