#include "agent/device/health.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"

namespace muster {
namespace {

constexpr char kGone[] = "gone: the last probe did not find it";

using Key = std::pair<std::string, int>;

std::map<Key, v1::Device> ByNumber(const std::vector<v1::Device>& devices) {
  std::map<Key, v1::Device> by_number;
  for (const v1::Device& device : devices) by_number[{device.kind(), device.physical()}] = device;
  return by_number;
}

std::string Name(const v1::Device& device) {
  return absl::StrCat("device ", device.kind(), " ", device.physical(), ": ");
}

std::string StateOf(const v1::Device& device) {
  if (device.healthy()) return "healthy";
  return absl::StrCat("unhealthy, ", device.health_reason());
}

}  // namespace

ProbeOutcome CompareProbes(const std::vector<v1::Device>& known,
                           const std::vector<v1::Device>& probed) {
  ProbeOutcome outcome;
  const std::map<Key, v1::Device> before = ByNumber(known);
  std::map<Key, v1::Device> after = ByNumber(probed);
  for (const auto& [key, device] : before) {
    v1::Device gone = device;
    gone.set_healthy(false);
    gone.set_health_reason(kGone);
    after.emplace(key, gone);  // Keeps what was probed.
  }
  for (auto& [key, device] : after) {
    const auto it = before.find(key);
    if (it == before.end()) {
      outcome.changes.push_back(absl::StrCat(Name(device), "new, ", StateOf(device)));
    } else if (it->second.uuid() != device.uuid()) {
      outcome.changes.push_back(absl::StrCat(Name(device), "another one is in its place, uuid ",
                                             device.uuid(), ", ", StateOf(device)));
    } else if (it->second.healthy() != device.healthy() ||
               it->second.health_reason() != device.health_reason()) {
      outcome.changes.push_back(absl::StrCat(Name(device), StateOf(device)));
    }
    outcome.devices.push_back(std::move(device));
  }
  return outcome;
}

}  // namespace muster
