#include "launch/rank_table_reader.h"

#include <arpa/inet.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace muster {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxFaultsShown = 5;

bool IsIpAddress(const std::string& text) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

// Reads one table and writes down every rule that it breaks. Short-lived: made, run once, dropped.
class RankTableReader {
 public:
  CheckedRankTable Run(const std::string& text) &&;

 private:
  void ReadTop(const Json& json);
  RankTableServer ReadServer(const std::string& place, const Json& json, bool several);
  RankTableDevice ReadDevice(const std::string& place, const Json& json, bool several);
  void ReadSuperPods(const Json& json);
  void ReadClusters(const Json& json);
  void CheckRanks();
  void CheckOrder();

  void Fault(absl::string_view place, absl::string_view what) {
    result_.faults.push_back(absl::StrCat(place, place.empty() ? "" : ": ", what));
  }
  // The text of a field; nullopt, and a fault, when it is not there or no text.
  std::optional<std::string> Text(const std::string& place, const Json& json, const char* field,
                                  bool required = true);
  std::optional<int> Number(const std::string& place, const Json& json, const char* field);
  // The list of a field, empty with a fault when it is none.
  const Json& List(const std::string& place, const Json& json, const char* field);
  // Ids of the servers that a list names, each of which must be in the table.
  std::vector<std::string> ServerIds(const std::string& place, const Json& json);

  CheckedRankTable result_;
  std::map<std::string, std::string> server_places_;  // By id.
  std::map<std::string, std::string> device_ips_;     // By address: where it is first.
  std::map<std::string, std::string> super_devices_;
  std::map<int, std::string> ranks_;
};

std::string Inside(const std::string& place, absl::string_view field) {
  return place.empty() ? std::string(field) : absl::StrCat(place, ".", field);
}

std::string Item(const std::string& place, size_t index) {
  return absl::StrCat(place, "[", index, "]");
}

std::optional<std::string> RankTableReader::Text(const std::string& place, const Json& json,
                                                 const char* field, bool required) {
  const auto found = json.find(field);
  if (found == json.end()) {
    if (required) Fault(Inside(place, field), "it is missing");
    return std::nullopt;
  }
  if (found->is_string()) return found->get<std::string>();
  Fault(Inside(place, field), absl::StrCat(found->dump(), " is not a text; all values are, like \"",
                                           found->is_number() ? found->dump() : "0", "\""));
  return std::nullopt;
}

std::optional<int> RankTableReader::Number(const std::string& place, const Json& json,
                                           const char* field) {
  const std::optional<std::string> text = Text(place, json, field);
  if (!text.has_value()) return std::nullopt;
  int number = 0;
  const bool digits = !text->empty() && text->find_first_not_of("0123456789") == std::string::npos;
  if (digits && absl::SimpleAtoi(*text, &number)) return number;
  Fault(Inside(place, field), absl::StrCat("\"", *text, "\" is not a number from 0 on"));
  return std::nullopt;
}

const Json& RankTableReader::List(const std::string& place, const Json& json, const char* field) {
  static const auto* const kNone = new Json(Json::array());
  const auto found = json.find(field);
  if (found != json.end() && found->is_array() && !found->empty()) return *found;
  Fault(Inside(place, field), found == json.end() ? "it is missing"
                              : found->is_array() ? "it is empty"
                                                  : "it is not a list");
  return *kNone;
}

RankTableDevice RankTableReader::ReadDevice(const std::string& place, const Json& json,
                                            bool several) {
  RankTableDevice device;
  if (!json.is_object()) {
    Fault(place, "it is not an object");
    return device;
  }
  device.device_id = Number(place, json, "device_id").value_or(-1);
  const std::optional<int> rank = Number(place, json, "rank_id");
  device.rank_id = rank.value_or(-1);
  if (rank.has_value()) {
    const auto [first, is_new] = ranks_.emplace(*rank, place);
    if (!is_new) {
      Fault(Inside(place, "rank_id"), absl::StrCat(*rank, " is there already, at ", first->second));
    }
  }
  device.device_ip = Text(place, json, "device_ip", /*required=*/several).value_or("");
  if (!device.device_ip.empty()) {
    if (!IsIpAddress(device.device_ip)) {
      Fault(Inside(place, "device_ip"),
            absl::StrCat("\"", device.device_ip, "\" is not an IPv4 or IPv6 address"));
    }
    const auto [first, is_new] = device_ips_.emplace(device.device_ip, place);
    if (!is_new) {
      Fault(Inside(place, "device_ip"),
            absl::StrCat(device.device_ip, " is there already, at ", first->second));
    }
  } else if (several && json.contains("device_ip") && json["device_ip"].is_string()) {
    Fault(Inside(place, "device_ip"), "it is empty; between servers devices need addresses");
  }
  if (result_.table.version == "1.2") {
    device.super_device_id = Text(place, json, "super_device_id").value_or("");
  }
  return device;
}

RankTableServer RankTableReader::ReadServer(const std::string& place, const Json& json,
                                            bool several) {
  RankTableServer server;
  if (!json.is_object()) {
    Fault(place, "it is not an object");
    return server;
  }
  const std::optional<std::string> id = Text(place, json, "server_id");
  server.server_id = id.value_or("");
  if (id.has_value()) {
    if (id->empty() || id->size() > kMaxServerIdLength) {
      Fault(Inside(place, "server_id"),
            absl::StrCat("\"", *id, "\" has ", id->size(), " characters; 1 to ", kMaxServerIdLength,
                         " are allowed"));
    }
    const auto [first, is_new] = server_places_.emplace(*id, place);
    if (!is_new) {
      Fault(Inside(place, "server_id"),
            absl::StrCat("\"", *id, "\" is there already, at ", first->second));
    }
  }
  for (const char* field : {"server_ip", "host_ip", "pod_ip", "container_ip"}) {
    const std::optional<std::string> address = Text(place, json, field, /*required=*/false);
    if (address.has_value() && !address->empty()) server.addresses.push_back(*address);
  }
  std::set<int> ids;
  const Json& devices = List(place, json, "device");
  for (size_t i = 0; i < devices.size(); ++i) {
    const std::string device_place = Item(Inside(place, "device"), i);
    server.devices.push_back(ReadDevice(device_place, devices[i], several));
    const int device_id = server.devices.back().device_id;
    if (device_id >= 0 && !ids.insert(device_id).second) {
      Fault(Inside(device_place, "device_id"), absl::StrCat(device_id, " is there already"));
    }
  }
  return server;
}

std::vector<std::string> RankTableReader::ServerIds(const std::string& place, const Json& json) {
  std::vector<std::string> ids;
  const Json& servers = List(place, json, "server_list");
  for (size_t i = 0; i < servers.size(); ++i) {
    const std::string server_place = Item(Inside(place, "server_list"), i);
    if (!servers[i].is_object()) {
      Fault(server_place, "it is not an object");
      continue;
    }
    const std::optional<std::string> id = Text(server_place, servers[i], "server_id");
    if (!id.has_value()) continue;
    if (server_places_.count(*id) == 0) {
      Fault(Inside(server_place, "server_id"), absl::StrCat("there is no server \"", *id, "\""));
    }
    ids.push_back(*id);
  }
  return ids;
}

// HCCL 1.2: every server is in one super pod, and a device's id is its own within it.
void RankTableReader::ReadSuperPods(const Json& json) {
  const Json& pods = List("", json, "super_pod_list");
  std::map<std::string, std::string> pod_of;
  for (size_t i = 0; i < pods.size(); ++i) {
    const std::string place = Item("super_pod_list", i);
    if (!pods[i].is_object()) {
      Fault(place, "it is not an object");
      continue;
    }
    RankTableSuperPod pod;
    pod.super_pod_id = Text(place, pods[i], "super_pod_id").value_or("");
    pod.server_ids = ServerIds(place, pods[i]);
    for (const std::string& id : pod.server_ids) {
      if (!pod_of.emplace(id, pod.super_pod_id).second) {
        Fault(place, absl::StrCat("server \"", id, "\" is in a super pod already"));
      }
    }
    result_.table.super_pods.push_back(std::move(pod));
  }
  std::set<std::pair<std::string, std::string>> seen;
  for (const RankTableServer& server : result_.table.servers) {
    const auto pod = pod_of.find(server.server_id);
    if (pod == pod_of.end()) {
      if (!pods.empty()) {
        Fault("super_pod_list", absl::StrCat("server \"", server.server_id, "\" is in none"));
      }
      continue;
    }
    for (const RankTableDevice& device : server.devices) {
      if (device.super_device_id.empty()) continue;
      if (!seen.emplace(pod->second, device.super_device_id).second) {
        Fault("super_device_id",
              absl::StrCat(device.super_device_id, " is there twice in super pod ", pod->second));
      }
    }
  }
}

// MindSpore's tables for several clusters: servers are found by address then.
void RankTableReader::ReadClusters(const Json& json) {
  const Json& clusters = List("", json, "cluster_list");
  for (size_t i = 0; i < clusters.size(); ++i) {
    const std::string place = Item("cluster_list", i);
    if (!clusters[i].is_object()) {
      Fault(place, "it is not an object");
      continue;
    }
    for (const char* field : {"cluster_id", "network_type", "az_id", "region_id"}) {
      Text(place, clusters[i], field);
    }
    ServerIds(place, clusters[i]);
  }
  for (size_t i = 0; i < result_.table.servers.size(); ++i) {
    if (!result_.table.servers[i].addresses.empty()) continue;
    Fault(Inside(Item("server_list", i), "server_ip"), "it is missing, and cluster_list needs it");
  }
}

void RankTableReader::CheckRanks() {
  const int count = static_cast<int>(ranks_.size());
  for (const auto& [rank, place] : ranks_) {
    if (rank < count) continue;
    Fault(Inside(place, "rank_id"), absl::StrCat(rank, " is past the last of ", count,
                                                 " ranks; they count from 0 without gaps"));
    return;  // The others follow from it.
  }
}

// HCCL: ranks grow with the servers' ids in dictionary order.
void RankTableReader::CheckOrder() {
  std::vector<std::pair<std::string, int>> lowest;
  for (const RankTableServer& server : result_.table.servers) {
    int rank = -1;
    for (const RankTableDevice& device : server.devices) {
      if (rank < 0 || device.rank_id < rank) rank = device.rank_id;
    }
    lowest.emplace_back(server.server_id, rank);
  }
  std::sort(lowest.begin(), lowest.end());
  for (size_t i = 1; i < lowest.size(); ++i) {
    if (lowest[i - 1].second <= lowest[i].second) continue;
    Fault("server_list",
          absl::StrCat("rank ", lowest[i].second, " is on server \"", lowest[i].first,
                       "\", which in dictionary order comes after \"", lowest[i - 1].first,
                       "\" with rank ", lowest[i - 1].second, "; ranks must grow in that order"));
    return;
  }
}

void RankTableReader::ReadTop(const Json& json) {
  const std::optional<std::string> version = Text("", json, "version");
  if (version.has_value()) result_.table.version = *version;
  if (version.has_value() && *version != "1.0" && *version != "1.2") {
    Fault("version", absl::StrCat("\"", *version, "\" is unknown; use 1.0 or 1.2"));
  }
  const std::optional<std::string> status = Text("", json, "status");
  if (status.has_value() && *status != "completed") {
    Fault("status", *status == "initializing"
                        ? "\"initializing\": whoever writes this table has not finished it"
                        : absl::StrCat("\"", *status, "\" is unknown; use completed"));
  }
  const Json& servers = List("", json, "server_list");
  const std::optional<int> count = Number("", json, "server_count");
  if (count.has_value() && static_cast<size_t>(*count) != servers.size()) {
    Fault("server_count", absl::StrCat(*count, ", but server_list has ", servers.size()));
  }
  for (size_t i = 0; i < servers.size(); ++i) {
    result_.table.servers.push_back(
        ReadServer(Item("server_list", i), servers[i], servers.size() > 1));
  }
  if (result_.table.version == "1.2") ReadSuperPods(json);
  if (json.contains("cluster_list")) ReadClusters(json);
  if (!result_.faults.empty()) return;  // What follows would only say the same again.
  CheckRanks();
  CheckOrder();
}

CheckedRankTable RankTableReader::Run(const std::string& text) && {
  const absl::StatusOr<Json> json = ParseRankTableJson(text);
  if (!json.ok()) {
    Fault("", json.status().message());
  } else if (!json->is_object()) {
    Fault("", "it is not an object");
  } else {
    ReadTop(*json);
  }
  return std::move(result_);
}

std::string ListFaults(const std::vector<std::string>& faults) {
  const size_t shown = std::min(faults.size(), kMaxFaultsShown);
  return absl::StrCat(
      absl::StrJoin(faults.begin(), faults.begin() + shown, "; "),
      shown == faults.size() ? "" : absl::StrCat("; and ", faults.size() - shown, " more faults"));
}

}  // namespace

absl::StatusOr<Json> ParseRankTableJson(const std::string& text) {
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    const size_t end = std::min(error.byte > 0 ? error.byte - 1 : 0, text.size());
    const auto line =
        std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(end), '\n') + 1;
    const size_t line_start = end == 0 ? std::string::npos : text.rfind('\n', end - 1);
    const size_t column = end - (line_start == std::string::npos ? 0 : line_start + 1) + 1;
    return absl::InvalidArgumentError(
        absl::StrCat("line ", line, ", column ", column, ": it is not JSON from here on"));
  }
}

CheckedRankTable ReadRankTable(const std::string& text) { return RankTableReader().Run(text); }

absl::StatusOr<RankTable> ParseRankTable(const std::string& text) {
  CheckedRankTable checked = ReadRankTable(text);
  if (!checked.faults.empty()) return absl::InvalidArgumentError(ListFaults(checked.faults));
  return std::move(checked.table);
}

}  // namespace muster
