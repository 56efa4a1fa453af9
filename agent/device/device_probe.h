#ifndef MUSTER_AGENT_DEVICE_DEVICE_PROBE_H_
#define MUSTER_AGENT_DEVICE_DEVICE_PROBE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "muster/v1/node.pb.h"

namespace muster {

// Finds the devices of one host. One implementation per vendor, and a fixed one for CPU hosts and
// tests. Blocking; not thread-safe.
class DeviceProbe {
 public:
  virtual ~DeviceProbe() = default;
  // All devices, by kind, then physical number. A host without any is fine and gives none.
  virtual absl::StatusOr<std::vector<v1::Device>> Probe() = 0;
};

// The probe for a host. `fixed` is the value of --agent_devices; when it is empty, MUSTER_DEVICES
// is read in its place: `KIND:COUNT[,KIND:COUNT…]` or `none`. Both empty: ask every vendor.
// INVALID_ARGUMENT says what is wrong.
absl::StatusOr<std::unique_ptr<DeviceProbe>> MakeDeviceProbe(const std::string& fixed);

}  // namespace muster

#endif  // MUSTER_AGENT_DEVICE_DEVICE_PROBE_H_
