#include "agent/device/sysfs.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/fs.h"

namespace muster {

int NumaNodeOfPci(const std::string& root, absl::string_view address) {
  return ReadNumaNode(
      absl::StrCat(root, "/sys/bus/pci/devices/", absl::AsciiStrToLower(address), "/numa_node"));
}

int ReadNumaNode(const std::string& path) {
  const auto text = ReadFile(path, /*max_bytes=*/64);
  int node = -1;
  // The kernel itself says -1 on hosts with one node.
  if (!text.ok() || !absl::SimpleAtoi(*text, &node) || node < 0) return -1;
  return node;
}

std::vector<int> NumberedDevices(const std::string& root, absl::string_view prefix) {
  std::vector<int> numbers;
  const auto names = ListDir(absl::StrCat(root, "/dev"));
  if (!names.ok()) return numbers;
  for (absl::string_view name : *names) {
    int number = 0;
    if (!absl::ConsumePrefix(&name, prefix) || name.empty()) continue;
    if (!std::all_of(name.begin(), name.end(), absl::ascii_isdigit)) continue;
    if (absl::SimpleAtoi(name, &number)) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace muster
