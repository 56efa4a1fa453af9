// Prints what the probes of this host find, one device a line: for checks on real hardware, which
// no automatic test has. Argument: as --agent_devices.
#include <cstdio>

#include "agent/device/device_probe.h"

int main(int argc, char** argv) {
  auto probe = muster::MakeDeviceProbe(argc > 1 ? argv[1] : "");
  if (!probe.ok()) {
    fprintf(stderr, "%s\n", probe.status().ToString().c_str());
    return 2;
  }
  const auto devices = (*probe)->Probe();
  if (!devices.ok()) {
    fprintf(stderr, "%s\n", devices.status().ToString().c_str());
    return 1;
  }
  for (const muster::v1::Device& device : *devices)
    printf("%s\n", device.ShortDebugString().c_str());
  return 0;
}
