#ifndef MUSTER_AGENT_DEVICE_FIXED_PROBE_H_
#define MUSTER_AGENT_DEVICE_FIXED_PROBE_H_

#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/device/probe.h"

namespace muster {

// Reads `KIND:COUNT[,KIND:COUNT…]` or `none`: healthy devices 0 to COUNT-1 of each kind, about
// which nothing else is known. INVALID_ARGUMENT names the part that is wrong.
absl::StatusOr<std::vector<v1::Device>> ParseFixedDevices(absl::string_view text);

// Says what it was told, always: for CPU hosts, tests, and kinds without a probe of their own.
class FixedProbe : public DeviceProbe {
 public:
  explicit FixedProbe(std::vector<v1::Device> devices) : devices_(std::move(devices)) {}
  absl::StatusOr<std::vector<v1::Device>> Probe() override { return devices_; }

 private:
  const std::vector<v1::Device> devices_;
};

}  // namespace muster

#endif  // MUSTER_AGENT_DEVICE_FIXED_PROBE_H_
