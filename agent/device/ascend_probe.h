#ifndef MUSTER_AGENT_DEVICE_ASCEND_PROBE_H_
#define MUSTER_AGENT_DEVICE_ASCEND_PROBE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/device/hccn.h"
#include "agent/device/npu_smi.h"
#include "agent/device/probe.h"

namespace muster {

// Ascend NPUs: /dev/davinciN says which there are, and N is `physical`; npu-smi, where it is
// installed, adds model, health and memory, and sysfs the NUMA node. The devices' own addresses
// come from /etc/hccn.conf or hccn_tool, their super device ids from npu-smi. What a tool has said
// of these is kept, and a tool that knows nothing of them is not asked again.
class AscendProbe : public DeviceProbe {
 public:
  struct Options {
    std::string npu_smi = "npu-smi";             // Looked up in PATH.
    std::string hccn_tool = "hccn_tool";         // The same.
    std::string root;                            // Where /dev and /sys are; "" is this host.
    absl::Duration timeout = absl::Seconds(10);  // Of each call of a tool.
  };
  explicit AscendProbe(const Options& options);

  absl::StatusOr<std::vector<v1::Device>> Probe() override;

 private:
  // Adds what rank tables need of each device.
  void AddNetwork(const std::map<int, NpuFacts>& facts, std::vector<v1::Device>* devices);
  const std::string& SuperDeviceId(int number, const NpuFacts& facts);

  const Options options_;
  DeviceAddresses addresses_;
  std::map<int, std::string> super_device_ids_;  // As npu-smi said; by device number.
  bool ask_super_pod_ = true;
};

}  // namespace muster

#endif  // MUSTER_AGENT_DEVICE_ASCEND_PROBE_H_
