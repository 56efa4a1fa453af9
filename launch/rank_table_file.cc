#include "launch/rank_table_file.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace muster {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kIndent = 4;

Json DeviceJson(const RankTableDevice& device) {
  Json json;
  json["device_id"] = absl::StrCat(device.device_id);
  if (!device.device_ip.empty()) json["device_ip"] = device.device_ip;
  if (!device.super_device_id.empty()) json["super_device_id"] = device.super_device_id;
  json["rank_id"] = absl::StrCat(device.rank_id);
  return json;
}

Json ServerJson(const RankTable& table, const RankTableServer& server) {
  Json json;
  json["server_id"] = server.server_id;
  const bool super_pod = table.version != "1.0";
  if (!server.addresses.empty()) json[super_pod ? "host_ip" : "server_ip"] = server.addresses[0];
  json["device"] = Json::array();
  for (const RankTableDevice& device : server.devices) json["device"].push_back(DeviceJson(device));
  if (!super_pod) json["host_nic_ip"] = "reserve";
  return json;
}

}  // namespace

std::string WriteRankTable(const RankTable& table) {
  Json json;
  json["version"] = table.version;
  json["server_count"] = absl::StrCat(table.servers.size());
  json["server_list"] = Json::array();
  for (const RankTableServer& server : table.servers) {
    json["server_list"].push_back(ServerJson(table, server));
  }
  if (!table.super_pods.empty()) {
    json["super_pod_list"] = Json::array();
    for (const RankTableSuperPod& pod : table.super_pods) {
      Json servers = Json::array();
      for (const std::string& id : pod.server_ids) servers.push_back({{"server_id", id}});
      json["super_pod_list"].push_back(
          {{"super_pod_id", pod.super_pod_id}, {"server_list", std::move(servers)}});
    }
  }
  json["status"] = "completed";
  return json.dump(kIndent, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

}  // namespace muster
