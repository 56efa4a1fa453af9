#include "launch/device_env.h"

#include <algorithm>
#include <optional>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/job/job_defaults.h"
#include "common/job/rank_map.h"

namespace muster {
namespace {

struct KindVariable {
  absl::string_view kind;
  absl::string_view variable;
};

constexpr KindVariable kKindVariables[] = {
    {"nvidia", "CUDA_VISIBLE_DEVICES"},       // CUDA C++ Programming Guide, environment variables.
    {"ascend", "ASCEND_RT_VISIBLE_DEVICES"},  // CANN, environment variables.
    {"xpu", "XPU_VISIBLE_DEVICES"},           // Paddle, XPU.
    {"mlu", "MLU_VISIBLE_DEVICES"},           // Cambricon CNRT.
};

using Env = std::map<std::string, std::string>;

bool SeesOnlyItsOwn(const LaunchContext& context) {
  const int role = FindRole(*context.spec, context.rank->role());
  return role >= 0 &&
         DevicesOf(*context.spec, context.spec->roles(role)).visible() == v1::VISIBLE_DEVICES_RANK;
}

// The devices of one kind that `context`'s rank may see, in the gang's order.
std::vector<int> GrantedDevices(const LaunchContext& context, const std::string& kind) {
  const v1::NodePlacement& node = context.placement->nodes(context.node_rank);
  const auto& own = context.rank->devices();
  const bool only_own = SeesOnlyItsOwn(context);
  std::vector<int> granted;
  for (int i = 0; i < node.devices_size(); ++i) {
    if (node.devices(i).kind() != kind) continue;
    if (only_own && std::find(own.begin(), own.end(), i) == own.end()) continue;
    granted.push_back(node.devices(i).physical());
  }
  return granted;
}

// The devices on the user's list. -1 ends it, as CUDA has it.
absl::StatusOr<std::set<int>> ParseList(absl::string_view variable, const std::string& list) {
  std::set<int> devices;
  for (absl::string_view item : absl::StrSplit(list, ',', absl::SkipWhitespace())) {
    item = absl::StripAsciiWhitespace(item);
    int device = 0;
    if (!absl::SimpleAtoi(item, &device)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "env ", variable, "=", list, ": '", item,
          "' is not a device's number; write the numbers that the vendor's tool shows, "
          "or leave the variable out"));
    }
    if (device < 0) break;
    devices.insert(device);
  }
  return devices;
}

// Takes away what the user's list does not have.
absl::StatusOr<std::vector<int>> Narrow(absl::string_view variable, const std::string& list,
                                        const std::vector<int>& granted,
                                        std::vector<std::string>* notes) {
  MUSTER_ASSIGN_OR_RETURN(const std::set<int> allowed, ParseList(variable, list));
  std::vector<int> visible;
  std::vector<int> hidden;
  for (const int device : granted) {
    (allowed.count(device) != 0 ? visible : hidden).push_back(device);
  }
  if (visible.empty() && !allowed.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "env ", variable, "=", list, ": the job was given other devices (",
        absl::StrJoin(granted, ","), "); leave the variable out, and ask for devices by count"));
  }
  if (!hidden.empty()) {
    notes->push_back(absl::StrCat(
        variable, "=", list, " hides devices that the job holds: ", absl::StrJoin(hidden, ",")));
  }
  return visible;
}

// The kind of the rank's own devices; of the host's first device when it has none itself.
const std::string& KindOf(const LaunchContext& context) {
  const v1::NodePlacement& node = context.placement->nodes(context.node_rank);
  return node.devices(context.rank->devices().empty() ? 0 : context.rank->devices(0)).kind();
}

std::string OwnIndices(const LaunchContext& context, const std::vector<int>& visible) {
  const v1::NodePlacement& node = context.placement->nodes(context.node_rank);
  std::vector<int> indices;
  for (const int own : context.rank->devices()) {
    const auto at = std::find(visible.begin(), visible.end(), node.devices(own).physical());
    if (at != visible.end()) indices.push_back(static_cast<int>(at - visible.begin()));
  }
  return absl::StrJoin(indices, ",");
}

absl::Status CheckIndices(const LaunchContext& context) {
  const v1::NodePlacement& node = context.placement->nodes(context.node_rank);
  for (const int own : context.rank->devices()) {
    if (own >= 0 && own < node.devices_size()) continue;
    return absl::InternalError(absl::StrCat("placement: ", context.rank->role(), " ",
                                            context.rank->rank(), " has device ", own,
                                            ", and the host ", node.devices_size(), " of them"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::string_view VisibleListVariable(absl::string_view kind) {
  for (const KindVariable& entry : kKindVariables) {
    if (entry.kind == kind) return entry.variable;
  }
  return {};
}

absl::StatusOr<DeviceEnv> ShowDevices(const LaunchContext& context, const Env& env) {
  DeviceEnv shown;
  const v1::NodePlacement& node = context.placement->nodes(context.node_rank);
  if (node.devices().empty()) return shown;
  MUSTER_RETURN_IF_ERROR(CheckIndices(context));

  std::set<std::string> kinds;
  for (const v1::DeviceId& device : node.devices()) kinds.insert(device.kind());
  for (const std::string& kind : kinds) {
    std::vector<int> visible = GrantedDevices(context, kind);
    const std::string variable(VisibleListVariable(kind));
    if (const auto user = env.find(variable); user != env.end()) {
      MUSTER_ASSIGN_OR_RETURN(visible, Narrow(variable, user->second, visible, &shown.notes));
    }
    if (!variable.empty()) shown.env[variable] = absl::StrJoin(visible, ",");
    // CUDA numbers the fastest device 0 unless told to count as the vendor's tools do.
    if (kind == "nvidia") shown.env_defaults["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID";
    if (kind == KindOf(context)) {
      shown.env["MUSTER_VISIBLE_DEVICES"] = absl::StrJoin(visible, ",");
      shown.env["MUSTER_RANK_DEVICES"] = OwnIndices(context, visible);
    }
  }
  return shown;
}

}  // namespace muster
