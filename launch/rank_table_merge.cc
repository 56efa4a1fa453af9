#include "launch/rank_table_merge.h"

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "launch/rank_table_reader.h"

namespace muster {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kIndent = 4;

// Servers of one file, with every number that should be a text made one.
absl::StatusOr<Json> ServersOf(const std::string& name, const std::string& text) {
  absl::StatusOr<Json> parsed = ParseRankTableJson(text);
  if (!parsed.ok()) return Annotate(parsed.status(), name);
  Json& json = *parsed;
  if (!json.is_object() || !json.contains("server_list") || !json["server_list"].is_array()) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": it has no server_list"));
  }
  if (json.contains("version") && json["version"] != "1.0") {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": version ", json["version"].dump(), "; only tables 1.0 are merged"));
  }
  return json["server_list"];
}

}  // namespace

absl::StatusOr<MergedRankTable> MergeRankTables(
    const std::vector<std::pair<std::string, std::string>>& texts) {
  MergedRankTable merged;
  Json servers = Json::array();
  for (const auto& [name, text] : texts) {
    MUSTER_ASSIGN_OR_RETURN(const Json own, ServersOf(name, text));
    for (Json server : own) {
      if (!server.is_object() || !server.contains("device") || !server["device"].is_array()) {
        return absl::InvalidArgumentError(absl::StrCat(name, ": a server without a device list"));
      }
      for (Json& device : server["device"]) {
        if (!device.is_object()) {
          return absl::InvalidArgumentError(absl::StrCat(name, ": a device that is no object"));
        }
        if (device.contains("device_id") && device["device_id"].is_number_integer()) {
          device["device_id"] = device["device_id"].dump();
        }
        device["rank_id"] = absl::StrCat(merged.devices++);
      }
      ++merged.servers;
      servers.push_back(std::move(server));
    }
  }
  Json json;
  json["version"] = "1.0";
  json["server_count"] = absl::StrCat(merged.servers);
  json["server_list"] = std::move(servers);
  json["status"] = "completed";
  merged.text = json.dump(kIndent, ' ', /*ensure_ascii=*/true);
  MUSTER_RETURN_IF_ERROR(Annotate(ParseRankTable(merged.text).status(), "merged"));
  return merged;
}

}  // namespace muster
