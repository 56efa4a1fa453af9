#include "ctl/cmd/hccl_request.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"

namespace muster {
namespace {

constexpr int kMaxDevices = 8;
constexpr int kGroup = 4;  // Devices 0-3 and 4-7 are two rings.

absl::Status WrongRange(const std::string& text, absl::string_view cause) {
  return absl::InvalidArgumentError(
      absl::StrCat("--device_num '", text, "': ", cause, "; write it like [0,8) or [4,6)"));
}

absl::StatusOr<std::pair<int, int>> ParseRange(const std::string& text) {
  absl::string_view rest = absl::StripAsciiWhitespace(text);
  const bool closed = absl::ConsumePrefix(&rest, "[") && absl::ConsumeSuffix(&rest, ")");
  const std::vector<absl::string_view> ends = absl::StrSplit(rest, ',');
  int first = 0;
  int last = 0;
  if (!closed || ends.size() != 2 || !absl::SimpleAtoi(ends[0], &first) ||
      !absl::SimpleAtoi(ends[1], &last)) {
    return WrongRange(text, "it is not a half-open range");
  }
  if (first < 0 || last > kMaxDevices) return WrongRange(text, "it goes beyond devices 0 to 7");
  if (first >= last) return WrongRange(text, "it holds no device");
  const bool all = first == 0 && last == kMaxDevices;
  if (first < kGroup && last > kGroup && !all) {
    return WrongRange(text, "devices 0 to 3 and 4 to 7 are groups of their own, to be taken apart");
  }
  return std::make_pair(first, last);
}

absl::StatusOr<std::vector<int>> ParseVisible(const std::string& text) {
  std::vector<int> devices;
  for (absl::string_view item : absl::StrSplit(text, ',')) {
    int device = 0;
    if (!absl::SimpleAtoi(item, &device) || device < 0) {
      return absl::InvalidArgumentError(absl::StrCat("--visible_devices '", text, "': '", item,
                                                     "' is not a device's number; write them like "
                                                     "0,1,2,3"));
    }
    if (std::find(devices.begin(), devices.end(), device) != devices.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--visible_devices '", text, "': ", device, " is there twice"));
    }
    devices.push_back(device);
  }
  return devices;
}

}  // namespace

absl::StatusOr<HcclRequest> ParseHcclRequest(const std::string& device_num,
                                             const std::string& visible_devices) {
  MUSTER_ASSIGN_OR_RETURN(const auto range, ParseRange(device_num));
  MUSTER_ASSIGN_OR_RETURN(const std::vector<int> visible, ParseVisible(visible_devices));
  if (static_cast<size_t>(range.second) > visible.size()) {
    return absl::InvalidArgumentError(absl::StrCat("--device_num '", device_num, "': only ",
                                                   visible.size(), " devices are visible (",
                                                   visible_devices, "); ask for fewer"));
  }
  HcclRequest request;
  for (int i = range.first; i < range.second; ++i) {
    request.positions.push_back(i);
    request.device_ids.push_back(visible[static_cast<size_t>(i)]);
  }
  return request;
}

absl::StatusOr<RankTable> MakeServerTable(const HcclRequest& request, const std::string& server_id,
                                          const std::map<int, std::string>& addresses) {
  RankTableServer server;
  server.server_id = server_id;
  for (const int id : request.device_ids) {
    const auto address = addresses.find(id);
    if (address == addresses.end()) {
      return absl::FailedPreconditionError(
          absl::StrCat("device ", id, ": its address is neither in /etc/hccn.conf (address_", id,
                       "=…) nor known to `hccn_tool -i ", id, " -ip -g`; set it with hccn_tool"));
    }
    RankTableDevice device;
    device.device_id = id;
    device.device_ip = address->second;
    device.rank_id = static_cast<int>(server.devices.size());
    server.devices.push_back(std::move(device));
  }
  RankTable table;
  table.servers.push_back(std::move(server));
  return table;
}

std::string ServerTableName(const HcclRequest& request, const std::string& server_id) {
  return absl::StrCat("hccl_", request.positions.size(), "p_", absl::StrJoin(request.positions, ""),
                      "_", server_id, ".json");
}

std::string MergedTableName(int servers, int devices) {
  return absl::StrCat("hccl_", servers, "s_", devices, "p.json");
}

}  // namespace muster
