#include "ctl/frontend/paddle/devices.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"

namespace muster {
namespace {

constexpr char kCustom[] = "custom_device";

struct VisibleList {
  const char* variable;
  const char* type;
};
constexpr VisibleList kVisibleLists[] = {
    {"XPULINK_VISIBLE_DEVICES", "xpu"}, {"XPU_VISIBLE_DEVICES", "xpu"},
    {"CUDA_VISIBLE_DEVICES", "gpu"},    {"ASCEND_VISIBLE_DEVICES", "npu"},
    {"MLU_VISIBLE_DEVICES", "mlu"},
};

// Paddle's words for the kinds that an agent's probe knows.
std::string TypeOfKind(const std::string& kind) {
  if (kind == "nvidia") return "gpu";
  if (kind == "ascend") return "npu";
  return kind;
}

}  // namespace

std::string PaddleDevices::flag() const {
  if (labels.empty()) return "";
  return absl::StrCat(xccl_backend.empty() ? type : xccl_backend, "s");
}

absl::StatusOr<PaddleDevices> FindPaddleDevices(
    const std::map<std::string, std::string>& env,
    const std::function<absl::StatusOr<std::vector<v1::Device>>()>& probe) {
  PaddleDevices found;
  const std::string* visible = nullptr;
  const auto look_up = [&env](const std::string& name) {
    const auto entry = env.find(name);
    return entry == env.end() ? nullptr : &entry->second;
  };
  if (const std::string* const backend = look_up("PADDLE_XCCL_BACKEND")) {
    found.type = kCustom;
    found.xccl_backend = *backend;
    visible = look_up(absl::StrCat(absl::AsciiStrToUpper(*backend), "_VISIBLE_DEVICES"));
  } else {
    for (const VisibleList& list : kVisibleLists) {
      visible = look_up(list.variable);
      if (visible == nullptr) continue;
      found.type = list.type;
      break;
    }
  }
  if (visible != nullptr && *visible != "all") {
    found.labels = absl::StrSplit(*visible, ',');
    for (std::string& label : found.labels) absl::StripAsciiWhitespace(&label);
    return found;
  }
  MUSTER_ASSIGN_OR_RETURN(const std::vector<v1::Device> devices, probe());
  for (const v1::Device& device : devices) {
    const std::string type = TypeOfKind(device.kind());
    // One kind a job: the first one found, unless a variable has named it.
    if (found.type == "cpu") found.type = type;
    const bool fits = type == found.type || (found.type == kCustom && type == found.xccl_backend);
    if (fits) found.labels.push_back(absl::StrCat(found.labels.size()));
  }
  return found;
}

absl::StatusOr<std::vector<std::string>> SelectPaddleDevices(
    const PaddleDevices& devices, const std::vector<std::string>& chosen) {
  std::vector<std::string> positions;
  for (const std::string& label : chosen.empty() ? devices.labels : chosen) {
    const auto at = std::find(devices.labels.begin(), devices.labels.end(), label);
    if (at == devices.labels.end()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "Device not found ", label, " from ", absl::StrJoin(chosen, ","), ": visible here is ",
          devices.labels.empty() ? "none" : absl::StrJoin(devices.labels, ",")));
    }
    positions.push_back(absl::StrCat(at - devices.labels.begin()));
  }
  return positions;
}

}  // namespace muster
