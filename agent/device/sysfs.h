// The few facts that the probes read from /sys, /proc and /dev. Every function takes `root`, a
// directory in which a test has laid out such a tree; "" is this host.
#ifndef MUSTER_AGENT_DEVICE_SYSFS_H_
#define MUSTER_AGENT_DEVICE_SYSFS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace muster {

// NUMA node of the PCI device at `address` ("0000:3b:00.0", any case); -1 when unknown.
int NumaNodeOfPci(const std::string& root, absl::string_view address);

// NUMA node in the file `path`, like …/device/numa_node; -1 when there is none.
int ReadNumaNode(const std::string& path);

// The numbers N for which `root`/dev/`prefix`N exists, ascending.
std::vector<int> NumberedDevices(const std::string& root, absl::string_view prefix);

}  // namespace muster

#endif  // MUSTER_AGENT_DEVICE_SYSFS_H_
