#ifndef MUSTER_AGENT_DEVICE_NVML_H_
#define MUSTER_AGENT_DEVICE_NVML_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "muster/v1/node.pb.h"

namespace muster {

// NVIDIA's management library, opened by name: no header of it is needed to build, and hosts
// without a driver have none. Initialised by Open(), shut down and closed by the destructor.
// Blocking: the first call on a host without persistence mode takes seconds. Not thread-safe.
class Nvml {
 public:
  // NOT_FOUND: no such library. UNAVAILABLE: it does not start, with NVML's own reason;
  // `no_driver`, if given, says whether that reason is that the host has no working NVIDIA driver
  // at all.
  static absl::StatusOr<std::unique_ptr<Nvml>> Open(const std::string& library,
                                                    bool* no_driver = nullptr);
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  // GPUs that this process may see.
  absl::StatusOr<int> Count() const;
  // The GPU at `index`, without kind and NUMA node; one that does not answer comes as unhealthy,
  // with the reason. `pci_address`: as in sysfs, empty when unknown.
  v1::Device Describe(int index, std::string* pci_address) const;

 private:
  struct Functions;

  explicit Nvml(std::unique_ptr<Functions> functions);
  std::string Health(void* handle) const;
  std::string ErrorText(int result) const;

  const std::unique_ptr<Functions> functions_;
};

}  // namespace muster

#endif  // MUSTER_AGENT_DEVICE_NVML_H_
