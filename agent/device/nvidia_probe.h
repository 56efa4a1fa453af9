#ifndef MUSTER_AGENT_DEVICE_NVIDIA_PROBE_H_
#define MUSTER_AGENT_DEVICE_NVIDIA_PROBE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/device/probe.h"

namespace muster {

// NVIDIA GPUs, by the driver's own library (NVML), which is opened for the probe and closed after
// it, so that an idle agent does not carry it. Where the library is missing, as in many containers,
// or does not answer, the GPUs of /proc/driver/nvidia and /dev/nvidiaN count.
//
// `physical` is the number that nvidia-smi shows: by PCI address, from 0, over the GPUs that this
// process may see. It is CUDA's number too, under CUDA_DEVICE_ORDER=PCI_BUS_ID.
class NvidiaProbe : public DeviceProbe {
 public:
  struct Options {
    std::string library = "libnvidia-ml.so.1";  // As for dlopen(3).
    std::string root;                           // Where /dev, /proc and /sys are; "" is this host.
  };
  explicit NvidiaProbe(const Options& options) : options_(options) {}

  absl::StatusOr<std::vector<v1::Device>> Probe() override;

 private:
  const Options options_;
};

}  // namespace muster

#endif  // MUSTER_AGENT_DEVICE_NVIDIA_PROBE_H_
