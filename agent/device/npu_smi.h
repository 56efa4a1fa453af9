#ifndef MUSTER_AGENT_DEVICE_NPU_SMI_H_
#define MUSTER_AGENT_DEVICE_NPU_SMI_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/strings/string_view.h"

namespace muster {

// What npu-smi, Ascend's tool, says of one chip.
struct NpuFacts {
  std::string model;        // "Ascend910B3"; may be empty.
  std::string pci_address;  // "0000:c1:00.0"; may be empty.
  std::string health;       // OK, Warning, Alarm, Critical, Offline, UNKNOWN; may be empty.
  int64_t memory_bytes = 0;
  int card = -1;  // How the tool itself calls the chip (`-i CARD -c CHIP`); -1: not known.
  int chip = -1;
};

// Facts by the N of /dev/davinciN, from the outputs of `npu-smi info -m` (which chip has which
// number) and `npu-smi info` (the table for people: address, health and memory). Either may be
// empty; lines that are not understood are passed over, for the tool has no output made for
// programs and its columns differ between versions.
std::map<int, NpuFacts> ParseNpuSmi(absl::string_view mapping, absl::string_view table);

// The chip's number within its super pod, from `npu-smi info -t spod-info`; "" where it is in none.
std::string ParseSuperDeviceId(absl::string_view spod_info);

}  // namespace muster

#endif  // MUSTER_AGENT_DEVICE_NPU_SMI_H_
