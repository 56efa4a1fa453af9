#include "agent/device/fixed_probe.h"

#include <map>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"

namespace muster {
namespace {

constexpr int kMaxDevicesPerKind = 1024;
constexpr size_t kMaxKindLength = 32;

bool IsKind(absl::string_view kind) {
  if (kind.empty() || kind.size() > kMaxKindLength || !absl::ascii_islower(kind[0])) return false;
  for (const char c : kind) {
    if (!absl::ascii_islower(c) && !absl::ascii_isdigit(c) && c != '_' && c != '-') return false;
  }
  return true;
}

absl::StatusOr<std::pair<std::string, int>> ParsePart(absl::string_view part) {
  const std::pair<absl::string_view, absl::string_view> halves =
      absl::StrSplit(part, absl::MaxSplits(':', 1));
  if (halves.first == "none") {
    return absl::InvalidArgumentError("none stands alone, without a count or another kind");
  }
  if (part.find(':') == absl::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat("\"", part, "\" is not KIND:COUNT"));
  }
  if (!IsKind(halves.first)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "kind \"", halves.first,
        "\" is not a lower-case letter and up to 31 more letters, digits, '_' or '-'"));
  }
  int count = 0;
  if (!absl::SimpleAtoi(halves.second, &count) || count < 1 || count > kMaxDevicesPerKind) {
    return absl::InvalidArgumentError(absl::StrCat("count \"", halves.second, "\" of ",
                                                   halves.first, " is not a number from 1 to ",
                                                   kMaxDevicesPerKind));
  }
  return std::make_pair(std::string(halves.first), count);
}

absl::StatusOr<std::map<std::string, int>> ParseCounts(absl::string_view text) {
  std::map<std::string, int> counts;
  if (text == "none") return counts;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    MUSTER_ASSIGN_OR_RETURN(const auto kind_and_count, ParsePart(absl::StripAsciiWhitespace(part)));
    if (!counts.insert(kind_and_count).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("kind ", kind_and_count.first, " is named twice"));
    }
  }
  return counts;
}

}  // namespace

absl::StatusOr<std::vector<v1::Device>> ParseFixedDevices(absl::string_view text) {
  const auto counts = ParseCounts(absl::StripAsciiWhitespace(text));
  if (!counts.ok()) {
    return absl::Status(counts.status().code(),
                        absl::StrCat("device list \"", text, "\": ", counts.status().message(),
                                     "; write KIND:COUNT[,KIND:COUNT…], like nvidia:8, or none"));
  }
  std::vector<v1::Device> devices;
  for (const auto& [kind, count] : *counts) {
    for (int physical = 0; physical < count; ++physical) {
      v1::Device device;
      device.set_kind(kind);
      device.set_physical(physical);
      device.set_numa_node(-1);
      device.set_healthy(true);
      devices.push_back(std::move(device));
    }
  }
  return devices;
}

}  // namespace muster
