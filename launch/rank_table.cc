#include "launch/rank_table.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/job/job_defaults.h"
#include "launch/leftovers.h"
#include "launch/position.h"
#include "launch/rank_table_file.h"
#include "launch/rank_table_placement.h"
#include "launch/rank_table_reader.h"

namespace muster {
namespace {

constexpr char kTableFile[] = "rank_table.json";
constexpr size_t kMaxPathLength = 4095;  // MindSpore refuses a longer RANK_TABLE_FILE.

absl::Status Refuse(absl::string_view field, absl::string_view cause, absl::string_view hint) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", cause, "; ", hint));
}

absl::Status CheckDevices(const v1::DeviceRequest& devices) {
  if (devices.count() != 1) {
    return Refuse(
        "devices_per_rank.count",
        absl::StrCat("a process of contract 'rank_table' drives one device, not ", devices.count()),
        "use 1, and one rank for each device");
  }
  if (devices.visible() == v1::VISIBLE_DEVICES_RANK) {
    return Refuse("devices_per_rank.visible",
                  "contract 'rank_table' finds a rank's device by DEVICE_ID", "use host");
  }
  return absl::OkStatus();
}

absl::Status CheckOptions(const v1::RankTableOptions& options) {
  const std::string& version = options.version();
  if (!version.empty() && version != "1.0" && version != "1.2") {
    return Refuse("rank_table.version", absl::StrCat("there is no version '", version, "'"),
                  "use 1.0, or 1.2 for Atlas A3 super pods");
  }
  if (!options.super_pods().empty() && version != "1.2") {
    return Refuse("rank_table.super_pods", "tables have super pods from version 1.2 on",
                  "set rank_table.version: \"1.2\", or leave it out");
  }
  const std::string& file = options.file();
  if (file.empty()) return absl::OkStatus();
  if (file[0] != '/') {
    return Refuse("rank_table.file", absl::StrCat("'", file, "' is not an absolute path"),
                  "begin it with '/'");
  }
  if (file.size() > kMaxPathLength) {
    return Refuse("rank_table.file", absl::StrCat("its path has ", file.size(), " characters"),
                  "MindSpore takes less than 4096");
  }
  if (!version.empty() || !options.super_pods().empty()) {
    return Refuse("rank_table.file", "a table that is there has its own version and super pods",
                  "leave out 'version' and 'super_pods'");
  }
  return absl::OkStatus();
}

// Variables of the user's that would take the table's word away.
template <typename Env>
absl::Status CheckEnv(const Env& env) {
  if (env.count("MINDSPORE_HCCL_CONFIG_PATH") > 0) {
    return Refuse("env.MINDSPORE_HCCL_CONFIG_PATH", "it wins over RANK_TABLE_FILE",
                  "name the table in rank_table.file");
  }
  if (env.count("ASCEND_RT_VISIBLE_DEVICES") > 0) {
    return Refuse("env.ASCEND_RT_VISIBLE_DEVICES", "the table lists all devices of the job",
                  "leave it out, and ask for devices by count");
  }
  return absl::OkStatus();
}

// A host's name for one of its processes, as the start scripts give it.
std::string DirOf(const Position& position) {
  return position.num_nodes == 1 ? absl::StrCat("device", position.local_rank)
                                 : absl::StrCat("device_", position.global_rank);
}

absl::Status AddTable(const LaunchContext& context, const Position& position, LaunchPlan* plan) {
  const v1::RankTableOptions& options = context.spec->rank_table();
  const bool own = options.file().empty();
  const std::string path = own ? JoinPath(context.gang_dir, kTableFile) : options.file();
  plan->env["RANK_TABLE_FILE"] = path;
  if (position.local_rank != 0) return absl::OkStatus();  // Once on each host.
  if (own) {
    MUSTER_ASSIGN_OR_RETURN(const RankTable table, MakeRankTable(options, *context.placement));
    plan->files.push_back({path, 0644, WriteRankTable(table)});
    return absl::OkStatus();
  }
  const v1::Placement placement = *context.placement;
  const int node_rank = context.node_rank;
  const auto fits = [placement, node_rank, path](const std::string& bytes) -> absl::Status {
    absl::StatusOr<RankTable> table = ParseRankTable(bytes);
    return Annotate(table.ok() ? MatchRankTable(*table, placement, node_rank) : table.status(),
                    path);
  };
  plan->inputs.push_back({"rank_table.file", path, fits});
  return absl::OkStatus();
}

}  // namespace

absl::Status RankTableContract::Check(const v1::JobSpec& spec) const {
  if (!spec.mode().empty()) {
    return Refuse("mode", absl::StrCat("contract 'rank_table' has no mode '", spec.mode(), "'"),
                  "leave it out");
  }
  if (spec.roles_size() != 1) {
    return Refuse(
        "roles",
        absl::StrCat("contract 'rank_table' has one kind of processes, not ", spec.roles_size()),
        "say ranks_per_node instead");
  }
  MUSTER_RETURN_IF_ERROR(CheckDevices(DevicesOf(spec, spec.roles(0))));
  MUSTER_RETURN_IF_ERROR(CheckOptions(spec.rank_table()));
  if (spec.restart().scope() == v1::RESTART_SCOPE_RANK) {
    return Refuse("restart.scope",
                  "contract 'rank_table' cannot take a single process back into a running job",
                  "use gang");
  }
  MUSTER_RETURN_IF_ERROR(CheckEnv(spec.env()));
  return CheckEnv(spec.roles(0).env());
}

std::vector<RoleNeeds> RankTableContract::Needs(const v1::JobSpec& spec) const {
  std::vector<RoleNeeds> needs;
  for (const v1::RoleSpec& role : spec.roles()) needs.push_back({role.name(), 0, 0});
  return needs;
}

absl::StatusOr<LaunchPlan> RankTableContract::Render(const LaunchContext& context) const {
  MUSTER_ASSIGN_OR_RETURN(const Position position, FindPosition(context));
  const auto& command = CommandOf(*context.spec, context.spec->roles(0));
  LaunchPlan plan;
  plan.argv.assign(command.begin(), command.end());
  plan.env["RANK_SIZE"] = absl::StrCat(position.world_size);
  plan.env["RANK_ID"] = absl::StrCat(position.global_rank);
  // Among the visible devices; the table has the physical number.
  if (context.rank->devices_size() != 1) {
    return absl::InternalError(
        absl::StrCat("placement: rank ", position.global_rank, " has no device of its own"));
  }
  plan.env["DEVICE_ID"] = absl::StrCat(context.rank->devices(0));
  MUSTER_RETURN_IF_ERROR(AddTable(context, position, &plan));
  const int number = position.num_nodes == 1 ? position.local_rank : position.global_rank;
  const std::string log = JoinPath(DirOf(position), absl::StrCat("train", number, ".log"));
  plan.logs = {log, log};
  if (context.spec->rank_table().device_dirs()) plan.workdir = DirOf(position);
  plan.clear_env = LeftoverVariables();
  return plan;
}

}  // namespace muster
