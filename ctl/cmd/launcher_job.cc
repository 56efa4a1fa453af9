#include "ctl/cmd/launcher_job.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "ctl/cmd/run_spec.h"

namespace muster {
namespace {

// The flag and the words behind "--" say different things.
absl::Status Conflict(const std::string& flag, const std::string& launcher) {
  return absl::InvalidArgumentError(absl::StrCat(
      flag, ": the flags of ", launcher,
      " say something else; leave one of them out (--as-is runs ", launcher, " itself)"));
}

// `words` is what the launcher's own flags mean, `both` is that with run's flags on top. What the
// words leave at one may be set by a flag.
absl::Status CheckConflicts(const Flags& flags, const v1::JobSpec& words, const v1::JobSpec& both,
                            const std::string& launcher) {
  if (flags.Has("contract") && words.contract() != both.contract()) {
    return Conflict("--contract", launcher);
  }
  if (words.nodes().max() > 1 &&
      (words.nodes().min() != both.nodes().min() || words.nodes().max() != both.nodes().max())) {
    return Conflict("--nodes", launcher);
  }
  const bool has_ranks = words.roles_size() > 0 || words.ranks_per_node() > 1;
  if (has_ranks && words.ranks_per_node() != both.ranks_per_node()) {
    return Conflict("--nproc", launcher);
  }
  if (words.restart().max_restarts() > 0 &&
      words.restart().max_restarts() != both.restart().max_restarts()) {
    return Conflict("--max-restarts", launcher);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::optional<FrontendJob>> LauncherJob(
    const Flags& flags, const std::vector<std::string>& command, const std::string& current_dir,
    const std::map<std::string, std::string>& env) {
  for (const Frontend* frontend : AllFrontends()) {
    if (frontend->match == nullptr || frontend->to_job == nullptr) continue;
    const std::optional<std::vector<std::string>> words = frontend->match(command);
    if (!words) continue;
    MUSTER_ASSIGN_OR_RETURN(FrontendJob job,
                            frontend->to_job({*words, env, current_dir, frontend->name}));
    if (job.help) return std::optional<FrontendJob>(std::move(job));
    const v1::JobSpec before = job.spec;
    const EnvLookup lookup = [&env](const std::string& name) {
      const auto found = env.find(name);
      return found == env.end() ? std::string() : found->second;
    };
    MUSTER_RETURN_IF_ERROR(ApplyRunFlags(flags, current_dir, lookup, &job.spec));
    MUSTER_RETURN_IF_ERROR(CheckConflicts(flags, before, job.spec, frontend->name));
    return std::optional<FrontendJob>(std::move(job));
  }
  return std::optional<FrontendJob>();
}

}  // namespace muster
