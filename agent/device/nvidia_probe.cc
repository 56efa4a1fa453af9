#include "agent/device/nvidia_probe.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/device/nvml.h"
#include "agent/device/sysfs.h"
#include "common/base/fs.h"
#include "common/base/status.h"

namespace muster {
namespace {

constexpr char kKind[] = "nvidia";

absl::StatusOr<std::vector<v1::Device>> AskNvml(const Nvml& nvml, const std::string& root) {
  MUSTER_ASSIGN_OR_RETURN(const int count, nvml.Count());
  std::vector<v1::Device> devices;
  for (int index = 0; index < count; ++index) {
    std::string pci_address;
    v1::Device device = nvml.Describe(index, &pci_address);
    device.set_kind(kKind);
    device.set_numa_node(pci_address.empty() ? -1 : NumaNodeOfPci(root, pci_address));
    devices.push_back(std::move(device));
  }
  return devices;
}

// The lines `Key: value` of /proc/driver/nvidia/gpus/ADDRESS/information.
std::map<std::string, std::string> ReadInformation(const std::string& path) {
  std::map<std::string, std::string> values;
  const auto text = ReadFile(path, /*max_bytes=*/65536);
  if (!text.ok()) return values;
  for (const absl::string_view line : absl::StrSplit(*text, '\n')) {
    const std::pair<absl::string_view, absl::string_view> halves =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    values[std::string(absl::StripAsciiWhitespace(halves.first))] =
        std::string(absl::StripAsciiWhitespace(halves.second));
  }
  return values;
}

// GPUs by PCI address, those whose /dev/nvidiaN this process has; without /proc/driver/nvidia, the
// bare device files.
std::vector<v1::Device> ReadKernel(const std::string& root, const std::string& trouble) {
  std::vector<int> minors = NumberedDevices(root, "nvidia");
  std::vector<v1::Device> devices;
  const auto add = [&devices, &trouble](v1::Device device) {
    device.set_kind(kKind);
    device.set_physical(static_cast<int32_t>(devices.size()));
    device.set_healthy(trouble.empty());
    device.set_health_reason(trouble);
    devices.push_back(std::move(device));
  };
  const std::string gpus = absl::StrCat(root, "/proc/driver/nvidia/gpus");
  const auto addresses = ListDir(gpus);
  if (addresses.ok() && !addresses->empty()) {
    for (const std::string& address : *addresses) {
      auto information = ReadInformation(absl::StrCat(gpus, "/", address, "/information"));
      int minor = -1;
      if (!absl::SimpleAtoi(information["Device Minor"], &minor)) continue;
      if (std::find(minors.begin(), minors.end(), minor) == minors.end()) continue;
      v1::Device device;
      device.set_model(information["Model"]);
      device.set_uuid(information["GPU UUID"]);
      device.set_numa_node(NumaNodeOfPci(root, address));
      add(std::move(device));
    }
    return devices;
  }
  for (size_t i = 0; i < minors.size(); ++i) {
    v1::Device device;
    device.set_numa_node(-1);
    add(std::move(device));
  }
  return devices;
}

}  // namespace

absl::StatusOr<std::vector<v1::Device>> NvidiaProbe::Probe() {
  bool no_driver = false;
  const auto nvml = Nvml::Open(options_.library, &no_driver);
  absl::Status trouble = nvml.status();
  if (nvml.ok()) {
    auto devices = AskNvml(**nvml, options_.root);
    if (devices.ok()) return devices;
    trouble = devices.status();
  }
  // A library for a driver that is not there: a host image for GPUs on a host without.
  if (no_driver) return std::vector<v1::Device>();
  // Without the library CUDA may well work. With one that fails (as after an update of the driver
  // under running programs) it does not: the GPUs are shown, and why nobody gets them.
  return ReadKernel(options_.root, absl::IsNotFound(trouble) ? "" : std::string(trouble.message()));
}

}  // namespace muster
