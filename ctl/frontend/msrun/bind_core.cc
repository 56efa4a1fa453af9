#include "ctl/frontend/msrun/bind_core.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "ctl/frontend/msrun/python_json.h"

namespace muster {
namespace {

constexpr int kMaxCpu = 1 << 20;  // More than any kernel has: what is larger is a typing error.

// "a-b" with plain digits.
std::optional<std::pair<int, int>> ParseRange(absl::string_view text) {
  const std::vector<absl::string_view> ends = absl::StrSplit(text, '-');
  int first = 0;
  int last = 0;
  const auto number = [](absl::string_view digits, int* value) {
    return !digits.empty() && std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit) &&
           absl::SimpleAtoi(digits, value) && *value <= kMaxCpu;
  };
  if (ends.size() != 2 || !number(ends[0], &first) || !number(ends[1], &last)) return std::nullopt;
  return std::make_pair(first, last);
}

std::optional<int> DeviceOf(absl::string_view key) {
  int device = 0;
  if (!absl::ConsumePrefix(&key, "device") || key.empty() || !absl::ascii_isdigit(key[0]) ||
      !absl::SimpleAtoi(key, &device)) {
    return std::nullopt;
  }
  return device;
}

// CPUs of one key's value; the original's words go to `error`.
std::vector<int> CpusOf(const std::string& key, const JsonValue& value, std::string* error) {
  std::vector<int> cpus;
  if (value.kind != JsonValue::Kind::kList) {
    *error = absl::StrCat("Value for '", key,
                          "':", value.kind == JsonValue::Kind::kString ? value.text : value.Repr(),
                          " should be a list, but got ", value.TypeName());
    return cpus;
  }
  for (const JsonValue& item : value.items) {
    const bool is_text = item.kind == JsonValue::Kind::kString;
    const auto range = is_text ? ParseRange(item.text) : std::nullopt;
    if (!range || range->first > range->second) {
      *error = absl::StrCat("CPU range '", item.text, "' in '", value.Repr(),
                            "' should be in format 'cpuidX-cpuidY'.");
      return cpus;
    }
    for (int cpu = range->first; cpu <= range->second; ++cpu) cpus.push_back(cpu);
  }
  return cpus;
}

int PhysicalDevice(const CpuTopology& topology, int worker) {
  const auto index = static_cast<size_t>(worker);
  const std::vector<int>& visible = topology.visible_devices;
  return index < visible.size() ? visible[index] : worker;
}

CpuAssignment ByHand(const BindCore& bind_core, const CpuTopology& topology, int workers) {
  CpuAssignment assignment;
  const auto count = static_cast<size_t>(workers);
  assignment.cpus.resize(count);
  if (bind_core.devices.size() < count) {
    assignment.error =
        absl::StrCat("ValueError: '--bind_core' names the CPUs of ", bind_core.devices.size(),
                     " devices, but there are ", workers, " workers on this host.");
    return assignment;
  }
  const std::set<int> known(topology.cpus.begin(), topology.cpus.end());
  for (size_t i = 0; i < count; ++i) {
    const auto& [device, cpus] = bind_core.devices[i];
    const int own = PhysicalDevice(topology, static_cast<int>(i));
    if (device != own) {
      assignment.warnings.push_back(absl::StrCat("Worker ", i, " has device ", own, ", but entry ",
                                                 i, " of '--bind_core' is device", device,
                                                 ". This worker will not be bound."));
      continue;
    }
    for (const int cpu : cpus) {
      if (known.count(cpu) > 0) continue;
      assignment.error =
          absl::StrCat("ValueError: '--bind_core' gives CPU ", cpu, " to device", device,
                       ", but this host has CPUs ", CpuListText(topology.cpus), ".");
      return assignment;
    }
    assignment.cpus[i] = cpus;
  }
  return assignment;
}

// Worker i gets the i-th share; the last one takes what is left.
void ShareEqually(const std::vector<int>& cpus, size_t share,
                  std::vector<std::vector<int>>* shares) {
  for (size_t i = 0; i < shares->size(); ++i) {
    const auto first = cpus.begin() + static_cast<ptrdiff_t>(i * share);
    const bool last = i + 1 == shares->size();
    (*shares)[i].assign(first, last ? cpus.end() : first + static_cast<ptrdiff_t>(share));
  }
}

// Each device takes its share from its own NUMA node, and what that cannot give from the nodes that
// have no device.
std::vector<std::vector<int>> ShareByNode(const CpuTopology& topology, size_t share,
                                          size_t workers) {
  std::map<int, std::vector<int>> left = topology.node_cpus;
  std::vector<int> pool;
  for (const auto& [node, cpus] : topology.node_cpus) {
    const bool taken = std::any_of(topology.device_nodes.begin(), topology.device_nodes.end(),
                                   [node = node](const auto& item) { return item.second == node; });
    if (!taken) pool.insert(pool.end(), cpus.begin(), cpus.end());
  }
  std::vector<std::vector<int>> by_worker(workers);
  for (size_t i = 0; i < workers; ++i) {
    const auto device = topology.device_nodes.find(PhysicalDevice(topology, static_cast<int>(i)));
    std::vector<int>* const sources[] = {
        device == topology.device_nodes.end() ? nullptr : &left[device->second], &pool};
    for (std::vector<int>* const source : sources) {
      if (source == nullptr) continue;
      const size_t wanted = std::min(share - by_worker[i].size(), source->size());
      by_worker[i].insert(by_worker[i].end(), source->begin(),
                          source->begin() + static_cast<ptrdiff_t>(wanted));
      source->erase(source->begin(), source->begin() + static_cast<ptrdiff_t>(wanted));
    }
  }
  return by_worker;
}

}  // namespace

BindCoreParse ParseBindCore(const std::string& text) {
  BindCoreParse parse;
  const std::string lower = absl::AsciiStrToLower(text);
  if (lower == "false") return parse;
  if (lower == "true") {
    parse.value.kind = BindCore::Kind::kAutomatic;
    return parse;
  }
  const JsonParse json = ParsePythonJson(text);
  if (!json.value) {
    parse.error = "Failed to parse json to dict. Json error: " + json.error;
    return parse;
  }
  if (json.value->kind != JsonValue::Kind::kObject) {
    parse.error = absl::StrCat("Type of ", text, " should be bool or dict, but got <class 'str'>.");
    return parse;
  }
  parse.value.kind = BindCore::Kind::kByHand;
  for (const auto& [key, value] : json.value->members) {
    const std::optional<int> device = DeviceOf(key);
    if (!device) {
      parse.error = absl::StrCat("Key '", key, "' must be in format 'deviceX' (X ≥ 0).");
      return parse;
    }
    parse.value.devices.emplace_back(*device, CpusOf(key, value, &parse.error));
    if (!parse.error.empty()) return parse;
  }
  return parse;
}

CpuAssignment AssignCpus(const BindCore& bind_core, const CpuTopology& topology, int workers) {
  CpuAssignment assignment;
  const auto count = static_cast<size_t>(std::max(workers, 0));
  assignment.cpus.resize(count);
  if (bind_core.kind == BindCore::Kind::kOff || count == 0) return assignment;
  if (bind_core.kind == BindCore::Kind::kByHand) return ByHand(bind_core, topology, workers);
  const size_t devices =
      topology.device_nodes.empty() ? count : std::max(count, topology.device_nodes.size());
  const size_t share = topology.cpus.size() / devices;
  if (share < 1) {
    assignment.warnings.push_back(absl::StrCat(
        "Available CPUs is less than 1. Will not enable bind core feature: ", topology.cpus.size(),
        " CPUs for ", devices, devices == count ? " workers." : " devices."));
    return assignment;
  }
  if (topology.device_nodes.empty()) {
    ShareEqually(topology.cpus, share, &assignment.cpus);
  } else {
    assignment.cpus = ShareByNode(topology, share, count);
  }
  return assignment;
}

std::optional<std::vector<int>> ParseCpuList(const std::string& text) {
  std::vector<int> cpus;
  const std::string plain(absl::StripAsciiWhitespace(text));
  for (const absl::string_view part : absl::StrSplit(plain, ',', absl::SkipEmpty())) {
    const bool one = part.find('-') == part.npos;
    const auto range = ParseRange(one ? absl::StrCat(part, "-", part) : std::string(part));
    if (!range) return std::nullopt;
    for (int cpu = range->first; cpu <= range->second; ++cpu) cpus.push_back(cpu);
  }
  return cpus;
}

std::string CpuListText(const std::vector<int>& cpus) {
  std::string text;
  for (size_t i = 0; i < cpus.size();) {
    size_t last = i;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
    absl::StrAppend(&text, text.empty() ? "" : ",", cpus[i]);
    if (last > i) absl::StrAppend(&text, "-", cpus[last]);
    i = last + 1;
  }
  return text;
}

std::string PythonList(const std::vector<int>& cpus) {
  return absl::StrCat("[", absl::StrJoin(cpus, ", "), "]");
}

}  // namespace muster
