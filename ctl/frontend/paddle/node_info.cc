#include "ctl/frontend/paddle/node_info.h"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "ctl/frontend/argparse/python_text.h"
#include "ctl/frontend/rendezvous/json_text.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace muster {
namespace {

using google::protobuf::Value;

std::string HostOfEndpoint(const std::string& endpoint) {
  return endpoint.substr(0, endpoint.find(':'));
}

uint32_t Numeric(const std::string& address) {
  in_addr parsed = {};
  inet_pton(AF_INET, address.c_str(), &parsed);
  return ntohl(parsed.s_addr);
}

// The members in the order in which the original writes them; `quote` makes a literal of a text.
std::string Render(const PaddleNode& node, std::string (*quote)(absl::string_view)) {
  const auto list = [quote](const std::vector<std::string>& items) {
    return absl::StrCat(
        "[",
        absl::StrJoin(items, ", ",
                      [quote](std::string* out, const std::string& item) { *out += quote(item); }),
        "]");
  };
  std::vector<std::pair<std::string, std::string>> members = {{"name", quote(node.name)},
                                                              {"rank", absl::StrCat(node.rank)}};
  if (node.is_ps()) {
    members.insert(members.end(), {{"servers", list(node.servers)},
                                   {"trainers", list(node.trainers)},
                                   {"dtype", quote(node.dtype)},
                                   {"gloo_port", absl::StrCat(node.gloo_port)}});
  } else {
    members.insert(members.end(), {{"replicas", absl::StrCat(node.replicas)},
                                   {"dtype", quote(node.dtype)},
                                   {"candidate", quote(node.candidate)},
                                   {"endpoints", quote(absl::StrJoin(node.endpoints, ","))}});
  }
  return absl::StrCat("{",
                      absl::StrJoin(members, ", ",
                                    [quote](std::string* out, const auto& member) {
                                      absl::StrAppend(out, quote(member.first), ": ",
                                                      member.second);
                                    }),
                      "}");
}

// Numbers come as numbers or as text, lists as lists or joined by commas: versions differ.
int IntOf(const google::protobuf::Struct& object, const std::string& name, int otherwise) {
  const auto found = object.fields().find(name);
  if (found == object.fields().end()) return otherwise;
  const Value& value = found->second;
  int number = otherwise;
  if (value.kind_case() == Value::kNumberValue) return static_cast<int>(value.number_value());
  return absl::SimpleAtoi(value.string_value(), &number) ? number : otherwise;
}

std::string TextOf(const google::protobuf::Struct& object, const std::string& name) {
  const auto found = object.fields().find(name);
  return found == object.fields().end() ? "" : found->second.string_value();
}

std::vector<std::string> ListOf(const google::protobuf::Struct& object, const std::string& name) {
  const auto found = object.fields().find(name);
  if (found == object.fields().end()) return {};
  if (found->second.kind_case() != Value::kListValue) {
    return absl::StrSplit(found->second.string_value(), ',', absl::SkipEmpty());
  }
  std::vector<std::string> items;
  for (const Value& item : found->second.list_value().values()) {
    items.push_back(item.string_value());
  }
  return items;
}

// The rank that a key ends with.
std::optional<int> RankOf(const std::string& key) {
  int rank = 0;
  if (!absl::SimpleAtoi(key.substr(key.rfind('/') + 1), &rank)) return std::nullopt;
  return rank;
}

absl::StatusOr<std::vector<PaddleNode>> ByRank(
    const std::vector<std::pair<std::string, PaddleNode>>& named) {
  std::vector<std::optional<PaddleNode>> places(named.size());
  for (const auto& [key, node] : named) {
    const std::optional<int> rank = RankOf(key);
    if (!rank.has_value() || *rank < 0 || *rank >= static_cast<int>(places.size())) {
      return absl::InvalidArgumentError(absl::StrCat(
          "node ", node.Address(), ": --rank ", rank.value_or(-1), " of ", places.size(),
          " nodes; give every node its own, 0 to ", places.size() - 1, ", or none of them"));
    }
    std::optional<PaddleNode>& place = places[*rank];
    if (place.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat("--rank ", *rank, " is taken by two nodes, ",
                                                     place->Address(), " and ", node.Address()));
    }
    place = node;
  }
  std::vector<PaddleNode> nodes;
  for (std::optional<PaddleNode>& place : places) nodes.push_back(*std::move(place));
  return nodes;
}

}  // namespace

std::string PaddleNode::Address() const {
  if (!candidate.empty()) return HostOfEndpoint(candidate);
  if (!servers.empty()) return HostOfEndpoint(servers.front());
  return trainers.empty() ? "" : HostOfEndpoint(trainers.front());
}

std::string PaddleNode::ToJson() const { return Render(*this, JsonString); }
std::string PaddleNode::ToPython() const { return Render(*this, PyRepr); }

absl::StatusOr<PaddleNode> ParsePaddleNode(const std::string& json) {
  google::protobuf::Struct object;
  if (!google::protobuf::util::JsonStringToMessage(json, &object).ok()) {
    return absl::InvalidArgumentError("what a node wrote is no JSON object");
  }
  PaddleNode node;
  node.name = TextOf(object, "name");
  node.rank = IntOf(object, "rank", -1);
  node.replicas = IntOf(object, "replicas", 0);
  node.dtype = TextOf(object, "dtype");
  node.candidate = TextOf(object, "candidate");
  node.endpoints = ListOf(object, "endpoints");
  node.servers = ListOf(object, "servers");
  node.trainers = ListOf(object, "trainers");
  node.gloo_port = IntOf(object, "gloo_port", 0);
  if (!node.candidate.empty() && node.replicas != static_cast<int>(node.endpoints.size())) {
    return absl::InvalidArgumentError(absl::StrCat("node ", node.Address(), ": ", node.replicas,
                                                   " processes, but ", node.endpoints.size(),
                                                   " endpoints"));
  }
  return node;
}

absl::StatusOr<PaddleNodes> OrderPaddleNodes(const std::map<std::string, std::string>& entries,
                                             const PaddleNode& own, bool sort_ip) {
  std::vector<std::pair<std::string, PaddleNode>> named;  // By key, as text.
  for (const auto& [key, value] : entries) {
    MUSTER_ASSIGN_OR_RETURN(PaddleNode node, ParsePaddleNode(value));
    if (node.is_ps() != own.is_ps()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "node ", node.Address(), " runs a ", node.is_ps() ? "parameter-server" : "collective",
          " job, this one does not; start the same command on every node"));
    }
    named.emplace_back(key, std::move(node));
  }
  PaddleNodes result;
  if (!sort_ip && own.rank >= 0) {
    MUSTER_ASSIGN_OR_RETURN(result.nodes, ByRank(named));
  } else {
    for (auto& [key, node] : named) result.nodes.push_back(std::move(node));
    if (sort_ip) {
      std::stable_sort(result.nodes.begin(), result.nodes.end(),
                       [](const PaddleNode& a, const PaddleNode& b) {
                         return Numeric(a.Address()) < Numeric(b.Address());
                       });
    }
  }
  const auto at = std::find_if(result.nodes.begin(), result.nodes.end(),
                               [&own](const PaddleNode& node) { return node.name == own.name; });
  if (at == result.nodes.end()) {
    return absl::InvalidArgumentError("this node is not among those that the master lists");
  }
  result.own = static_cast<int>(at - result.nodes.begin());
  return result;
}

}  // namespace muster
