#include "launch/paddle_ps_job.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/job/job_names.h"
#include "common/job/rank_map.h"
#include "launch/paddle_plan.h"

namespace muster {
namespace {

// The legacy launcher counts all trainers of later stages of a host together.
int IndexOnHost(const LaunchContext& context) {
  const bool heter = IsPaddleHeterRole(context.rank->role());
  int index = 0;
  for (const v1::RankPlacement& rank : context.placement->nodes(context.node_rank).ranks()) {
    if (rank.role() == context.rank->role()) return index + context.rank->local_rank();
    if (heter && IsPaddleHeterRole(rank.role())) ++index;
  }
  return index;
}

PaddlePsRole RoleOf(absl::string_view role) {
  if (role == kPaddleServer) return PaddlePsRole::kServer;
  return IsPaddleHeterRole(role) ? PaddlePsRole::kHeterTrainer : PaddlePsRole::kTrainer;
}

absl::StatusOr<std::string> GlooEndpoint(const LaunchContext& context) {
  MUSTER_ASSIGN_OR_RETURN(std::string endpoint,
                          PaddleFirstEndpoint(*context.placement, kPaddleServer));
  const int port = context.spec->paddle().gloo_port();
  if (port == 0) return endpoint;
  return absl::StrCat(endpoint.substr(0, endpoint.rfind(':')), ":", port);
}

}  // namespace

bool IsPaddleHeterRole(absl::string_view role) { return absl::StartsWith(role, kPaddleHeter); }

void CompletePaddlePs(const std::vector<std::string>& wanted, v1::JobSpec* spec) {
  if (spec->roles_size() == 1 && spec->roles(0).name() == kWorkerRole) {
    spec->mutable_roles(0)->set_name(kPaddleTrainer);
  }
  // Every role that has devices has its own entry by now; a new one shall not inherit them.
  spec->clear_devices_per_rank();
  for (const std::string& name : wanted) {
    bool there = FindRole(*spec, name) >= 0;
    for (const v1::RoleSpec& role : spec->roles()) {
      there = there || (IsPaddleHeterRole(name) && IsPaddleHeterRole(role.name()));
    }
    if (there) continue;
    v1::RoleSpec* const role = spec->add_roles();
    role->set_name(name);
    role->set_per_node(1);
    // Servers come first, as in the original.
    for (int i = spec->roles_size() - 1; i > 0 && name == kPaddleServer; --i) {
      spec->mutable_roles()->SwapElements(i, i - 1);
    }
  }
  v1::SuccessPolicy* const success = spec->mutable_success();
  if (success->who_case() == v1::SuccessPolicy::WHO_NOT_SET) {
    success->set_role(kPaddleTrainer);
    if (success->clean_up() == v1::CLEAN_UP_UNSPECIFIED) success->set_clean_up(v1::CLEAN_UP_STOP);
  }
}

void ShowOwnDevicesAlone(v1::JobSpec* spec) {
  for (v1::RoleSpec& role : *spec->mutable_roles()) {
    if (!role.has_devices_per_rank()) continue;
    role.mutable_devices_per_rank()->set_visible(v1::VISIBLE_DEVICES_RANK);
  }
}

absl::Status CheckPaddlePsRoles(const v1::JobSpec& spec, absl::string_view contract, bool heter) {
  const char* const kRoles = heter ? "server, trainer and heter-…" : "server and trainer";
  bool stages = false;
  for (int i = 0; i < spec.roles_size(); ++i) {
    const std::string& name = spec.roles(i).name();
    if (heter && IsPaddleHeterRole(name)) {
      stages = true;
    } else if (name != kPaddleServer && name != kPaddleTrainer) {
      return absl::InvalidArgumentError(absl::StrCat("roles[", i, "].name: contract '", contract,
                                                     "' has no role '", name, "'; its roles are ",
                                                     kRoles));
    }
  }
  for (const char* needed : {kPaddleServer, kPaddleTrainer, kPaddleHeter}) {
    const bool is_heter = needed == kPaddleHeter;
    if (is_heter ? stages || !heter : FindRole(spec, needed) >= 0) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("roles: contract '", contract, "' needs a role '", needed, "'; add it"));
  }
  return absl::OkStatus();
}

std::vector<RoleNeeds> PaddlePsNeeds(const v1::JobSpec& spec) {
  std::vector<RoleNeeds> needs;
  for (const v1::RoleSpec& role : spec.roles()) {
    const bool gloo = role.name() == kPaddleServer;
    const int fixed = gloo ? spec.paddle().gloo_port() : 0;
    needs.push_back({role.name(), 1, gloo && fixed == 0 ? 1 : 0, fixed});
  }
  return needs;
}

absl::StatusOr<PaddlePsProcess> PaddlePsProcessOf(const LaunchContext& context, bool legacy) {
  const v1::Placement& placement = *context.placement;
  const std::string& own_role = context.rank->role();
  const size_t rank = static_cast<size_t>(context.rank->rank());
  PaddlePsProcess process;
  process.role = RoleOf(own_role);
  process.index = context.rank->rank();
  process.legacy = legacy;
  process.num_nodes = placement.nodes_size();
  MUSTER_ASSIGN_OR_RETURN(process.servers, PaddleEndpoints(placement, kPaddleServer));
  MUSTER_ASSIGN_OR_RETURN(process.trainers, PaddleEndpoints(placement, kPaddleTrainer));
  for (const v1::RoleSpec& role : context.spec->roles()) {
    if (!IsPaddleHeterRole(role.name())) continue;
    MUSTER_ASSIGN_OR_RETURN(std::vector<std::string> stage,
                            PaddleEndpoints(placement, role.name()));
    process.heter_stages.push_back(std::move(stage));
    if (role.name() == own_role) process.stage = static_cast<int>(process.heter_stages.size()) + 1;
  }
  const std::vector<std::string>& peers = process.role == PaddlePsRole::kServer ? process.servers
                                          : process.role == PaddlePsRole::kTrainer
                                              ? process.trainers
                                              : process.heter_stages.at(process.stage - 2);
  if (rank >= peers.size()) {
    return absl::InternalError(absl::StrCat("placement: it has no ", own_role, " ", rank));
  }
  process.endpoint = peers[rank];
  const std::string& with_gloo = context.spec->paddle().with_gloo();
  process.gloo.with_gloo = !with_gloo.empty() ? with_gloo : legacy ? "0" : "1";
  process.gloo.fs_path = JoinPath(context.gang_dir, "gloo");  // Nobody makes it.
  MUSTER_ASSIGN_OR_RETURN(process.gloo.http_endpoint, GlooEndpoint(context));
  return process;
}

absl::StatusOr<std::string> PaddleLegacyDevice(const LaunchContext& context) {
  const v1::NodePlacement& node = context.placement->nodes(context.node_rank);
  if (!context.rank->devices().empty()) {
    // One rank may have several; they are its visible list.
    std::string own;
    for (const int device : context.rank->devices()) {
      if (device < 0 || device >= node.devices_size()) {
        return absl::InternalError(absl::StrCat("placement: ", context.rank->role(), " ",
                                                context.rank->rank(), " has device ", device,
                                                ", and the host ", node.devices_size()));
      }
      absl::StrAppend(&own, own.empty() ? "" : ",", node.devices(device).physical());
    }
    return own;
  }
  if (node.devices().empty()) return "0";
  return absl::StrCat(node.devices(IndexOnHost(context) % node.devices_size()).physical());
}

std::string PaddlePsLogName(const LaunchContext& context) {
  const PaddlePsRole role = RoleOf(context.rank->role());
  return absl::StrCat(role == PaddlePsRole::kServer    ? "serverlog."
                      : role == PaddlePsRole::kTrainer ? "workerlog."
                                                       : "heterlog.",
                      IndexOnHost(context));
}

}  // namespace muster
