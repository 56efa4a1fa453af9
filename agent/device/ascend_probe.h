#ifndef MUSTER_AGENT_DEVICE_ASCEND_PROBE_H_
#define MUSTER_AGENT_DEVICE_ASCEND_PROBE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/device/probe.h"

namespace muster {

// Ascend NPUs: /dev/davinciN says which there are, and N is `physical`; npu-smi, where it is
// installed, adds model, health and memory, and sysfs the NUMA node.
class AscendProbe : public DeviceProbe {
 public:
  struct Options {
    std::string npu_smi = "npu-smi";             // Looked up in PATH.
    std::string root;                            // Where /dev and /sys are; "" is this host.
    absl::Duration timeout = absl::Seconds(10);  // Of each call of npu-smi.
  };
  explicit AscendProbe(const Options& options) : options_(options) {}

  absl::StatusOr<std::vector<v1::Device>> Probe() override;

 private:
  const Options options_;
};

}  // namespace muster

#endif  // MUSTER_AGENT_DEVICE_ASCEND_PROBE_H_
