#ifndef MUSTER_AGENT_DEVICE_DEVICE_PROBE_H_
#define MUSTER_AGENT_DEVICE_DEVICE_PROBE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "agent/device/probe.h"

namespace muster {

// The probe for a host. `fixed` is the value of --agent_devices; when it is empty, MUSTER_DEVICES
// is read in its place: `KIND:COUNT[,KIND:COUNT…]` or `none`. Both empty: ask every vendor.
// INVALID_ARGUMENT says what is wrong.
absl::StatusOr<std::unique_ptr<DeviceProbe>> MakeDeviceProbe(const std::string& fixed);

}  // namespace muster

#endif  // MUSTER_AGENT_DEVICE_DEVICE_PROBE_H_
