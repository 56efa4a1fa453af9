#ifndef MUSTER_LAUNCH_RENDER_H_
#define MUSTER_LAUNCH_RENDER_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "launch/contract.h"

namespace muster {

// All that msshim needs to know of one rank, as the agent and `msctl render` show it.
struct RenderedRank {
  std::vector<std::string> argv;
  // Complete and final: `base_env`, less the contract's clear_env, then the spec's and the role's
  // env, the visible devices, the contract's variables, MUSTER_*. Later ones win, except that a
  // device list that the user set is narrowed, never widened.
  std::map<std::string, std::string> env;
  std::vector<LaunchFile> files;
  std::vector<LaunchInput> inputs;
  std::string workdir;  // Absolute.
  bool bind = true;     // As in LaunchPlan.
  LogNames logs;        // Placeholders of `logs.names` filled in; empty without `logs.dir`.
  std::vector<std::string> notes;  // Lines for the user: a leftover variable that was cleared, …
};

// Renders one rank by its contract (NOT_FOUND when no such contract exists), and adds what every
// contract has in common. `base_env` is the environment that the agent gives to every rank.
absl::StatusOr<RenderedRank> RenderRank(const LaunchContext& context,
                                        const std::map<std::string, std::string>& base_env);

}  // namespace muster

#endif  // MUSTER_LAUNCH_RENDER_H_
