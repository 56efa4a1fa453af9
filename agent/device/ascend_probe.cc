#include "agent/device/ascend_probe.h"

#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "agent/device/npu_smi.h"
#include "agent/device/program_output.h"
#include "agent/device/sysfs.h"
#include "common/base/fs.h"

namespace muster {
namespace {

// NUMA node of the device behind /dev/davinci`number`. The driver's name for its class differs
// between versions, so every class is asked for a device of that name.
int NumaNodeOfDavinci(const std::string& root, int number) {
  const std::string classes = absl::StrCat(root, "/sys/class");
  const auto names = ListDir(classes);
  if (!names.ok()) return -1;
  for (const std::string& name : *names) {
    const std::string device = absl::StrCat(classes, "/", name, "/davinci", number);
    if (PathExists(device)) return ReadNumaNode(absl::StrCat(device, "/device/numa_node"));
  }
  return -1;
}

// Warning and Alarm are of a chip that works ("Alarm": look at it soon); Critical and Offline are
// not.
bool CanWork(absl::string_view health) {
  const std::string word = absl::AsciiStrToLower(health);
  return word != "critical" && word != "offline";
}

HccnOptions HccnOf(const AscendProbe::Options& options) {
  HccnOptions hccn;
  hccn.tool = options.hccn_tool;
  hccn.root = options.root;
  hccn.timeout = options.timeout;
  return hccn;
}

}  // namespace

AscendProbe::AscendProbe(const Options& options) : options_(options), addresses_(HccnOf(options)) {}

const std::string& AscendProbe::SuperDeviceId(int number, const NpuFacts& facts) {
  std::string& id = super_device_ids_[number];
  if (!id.empty() || !ask_super_pod_ || facts.card < 0) return id;
  const auto output = ProgramOutput({options_.npu_smi, "info", "-t", "spod-info", "-i",
                                     absl::StrCat(facts.card), "-c", absl::StrCat(facts.chip)},
                                    options_.timeout);
  if (output.ok()) id = ParseSuperDeviceId(*output);
  ask_super_pod_ = !id.empty();  // All devices of a host are of one kind.
  return id;
}

void AscendProbe::AddNetwork(const std::map<int, NpuFacts>& facts,
                             std::vector<v1::Device>* devices) {
  std::vector<int> numbers;
  for (const v1::Device& device : *devices) numbers.push_back(device.physical());
  const std::map<int, std::string> addresses = addresses_.Read(numbers);
  for (v1::Device& device : *devices) {
    if (const auto found = addresses.find(device.physical()); found != addresses.end()) {
      device.set_address(found->second);
    }
    if (const auto found = facts.find(device.physical()); found != facts.end()) {
      device.set_super_device_id(SuperDeviceId(device.physical(), found->second));
    }
  }
}

absl::StatusOr<std::vector<v1::Device>> AscendProbe::Probe() {
  std::vector<v1::Device> devices;
  const std::vector<int> numbers = NumberedDevices(options_.root, "davinci");
  if (numbers.empty()) return devices;  // The usual host: not a program is started.
  const auto mapping = ProgramOutput({options_.npu_smi, "info", "-m"}, options_.timeout);
  // A tool that hangs once hangs twice.
  const auto table =
      mapping.ok() ? ProgramOutput({options_.npu_smi, "info"}, options_.timeout) : mapping.status();
  const std::map<int, NpuFacts> all_facts =
      ParseNpuSmi(mapping.ok() ? *mapping : "", table.ok() ? *table : "");
  for (const int number : numbers) {
    v1::Device device;
    device.set_kind("ascend");
    device.set_physical(number);
    device.set_healthy(true);
    int numa_node = NumaNodeOfDavinci(options_.root, number);
    const auto facts = all_facts.find(number);
    if (facts != all_facts.end()) {
      const NpuFacts& npu = facts->second;
      device.set_model(npu.model);
      device.set_memory_bytes(npu.memory_bytes);
      device.set_healthy(CanWork(npu.health));
      if (npu.health != "OK" && !npu.health.empty()) {
        device.set_health_reason(absl::StrCat("npu-smi: ", npu.health));
      }
      if (numa_node < 0 && !npu.pci_address.empty()) {
        numa_node = NumaNodeOfPci(options_.root, npu.pci_address);
      }
    }
    device.set_numa_node(numa_node);
    devices.push_back(std::move(device));
  }
  AddNetwork(all_facts, &devices);
  return devices;
}

}  // namespace muster
