#ifndef MUSTER_AGENT_DEVICE_PROBE_H_
#define MUSTER_AGENT_DEVICE_PROBE_H_

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

}  // namespace muster

#endif  // MUSTER_AGENT_DEVICE_PROBE_H_
