#include "agent/device/device_probe.h"

#include <stdlib.h>

#include <iterator>
#include <utility>
#include <vector>

#include "agent/device/ascend_probe.h"
#include "agent/device/fixed_probe.h"
#include "agent/device/nvidia_probe.h"
#include "common/base/status.h"

namespace muster {
namespace {

// Asks each vendor's probe in turn. A vendor whose probe fails takes no other's devices away: each
// probe says its own trouble as unhealthy devices, so an error here is one of the host.
class EveryVendorProbe : public DeviceProbe {
 public:
  explicit EveryVendorProbe(std::vector<std::unique_ptr<DeviceProbe>> vendors)
      : vendors_(std::move(vendors)) {}

  absl::StatusOr<std::vector<v1::Device>> Probe() override {
    std::vector<v1::Device> all;
    for (const auto& vendor : vendors_) {
      MUSTER_ASSIGN_OR_RETURN(std::vector<v1::Device> devices, vendor->Probe());
      std::move(devices.begin(), devices.end(), std::back_inserter(all));
    }
    return all;
  }

 private:
  const std::vector<std::unique_ptr<DeviceProbe>> vendors_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<DeviceProbe>> MakeDeviceProbe(const std::string& fixed) {
  std::string list = fixed;
  if (list.empty()) {
    const char* const variable = getenv("MUSTER_DEVICES");
    if (variable != nullptr) list = variable;
  }
  if (!list.empty()) {
    MUSTER_ASSIGN_OR_RETURN(std::vector<v1::Device> devices, ParseFixedDevices(list));
    return std::make_unique<FixedProbe>(std::move(devices));
  }
  std::vector<std::unique_ptr<DeviceProbe>> vendors;  // By kind's name, as Probe() promises.
  vendors.push_back(std::make_unique<AscendProbe>(AscendProbe::Options()));
  vendors.push_back(std::make_unique<NvidiaProbe>(NvidiaProbe::Options()));
  return std::make_unique<EveryVendorProbe>(std::move(vendors));
}

}  // namespace muster
