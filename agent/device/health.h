#ifndef MUSTER_AGENT_DEVICE_HEALTH_H_
#define MUSTER_AGENT_DEVICE_HEALTH_H_

#include <string>
#include <vector>

#include "muster/v1/node.pb.h"

namespace muster {

// What a later probe means for the devices that are known.
struct ProbeOutcome {
  // As probed; a known device that was not found stays, unhealthy, so that its holder and the
  // operators still see it. By kind, then physical number.
  std::vector<v1::Device> devices;
  // One line for the log for each device that came, went, failed or healed.
  std::vector<std::string> changes;
};
ProbeOutcome CompareProbes(const std::vector<v1::Device>& known,
                           const std::vector<v1::Device>& probed);

}  // namespace muster

#endif  // MUSTER_AGENT_DEVICE_HEALTH_H_
