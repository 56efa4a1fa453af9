#include "ctl/frontend/torchrun/rendezvous_settings.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/base/ids.h"
#include "common/base/status.h"

namespace muster {
namespace {

// torch 1.13.1, torch/distributed/elastic/rendezvous/c10d_rendezvous_backend.py and run.py.
constexpr int kDefaultC10dPort = 29400;
constexpr int kDefaultMasterPort = 29500;
// dynamic_rendezvous.py, RendezvousTimeout; launcher/api.py, LaunchConfig.
constexpr int kDefaultJoinSeconds = 600;
constexpr int kDefaultLastCallSeconds = 30;
constexpr int kDefaultStaticSeconds = 900;

absl::Status Wrong(const std::string& text) { return absl::InvalidArgumentError(text); }

absl::StatusOr<absl::Duration> Seconds(const TorchrunOptions& options, const std::string& key,
                                       int otherwise) {
  const auto found = options.rdzv_conf.find(key);
  if (found == options.rdzv_conf.end()) return absl::Seconds(otherwise);
  int seconds = 0;
  if (!absl::SimpleAtoi(found->second, &seconds)) {
    return Wrong(absl::StrCat("The rendezvous configuration option '", key,
                              "' does not represent a valid integer value."));
  }
  if (seconds <= 0)
    return Wrong(absl::StrCat("--rdzv_conf: ", key, "=", seconds, " must be positive"));
  return absl::Seconds(seconds);
}

absl::StatusOr<std::optional<bool>> IsHost(const TorchrunOptions& options) {
  const auto found = options.rdzv_conf.find("is_host");
  if (found == options.rdzv_conf.end()) return std::optional<bool>();
  const std::string text = absl::AsciiStrToLower(found->second);
  for (const char* yes : {"1", "true", "t", "yes", "y"}) {
    if (text == yes) return std::optional<bool>(true);
  }
  for (const char* no : {"0", "false", "f", "no", "n"}) {
    if (text == no) return std::optional<bool>(false);
  }
  return Wrong(
      "The rendezvous configuration option 'is_host' does not represent a valid boolean value.");
}

bool IsHostName(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == ':' ||
           c == '-';
  });
}

absl::Status FillStatic(const TorchrunOptions& options, RendezvousSettings* settings) {
  const std::string& given = options.rdzv_endpoint;
  Endpoint endpoint = {options.master_addr, options.master_port.value_or(kDefaultMasterPort)};
  if (!given.empty()) {
    MUSTER_ASSIGN_OR_RETURN(endpoint, ParseEndpoint(given, -1));
  } else {
    MUSTER_ASSIGN_OR_RETURN(
        endpoint, ParseEndpoint(absl::StrCat(options.master_addr, ":", endpoint.port), -1));
  }
  if (endpoint.port < 0) {
    return Wrong(
        absl::StrCat("port is missing in endpoint: ", given, ". Try to specify --master_port"));
  }
  // As the original: a static job has all its nodes or none.
  settings->min_nodes = settings->max_nodes;
  settings->node_rank = options.node_rank;
  if (options.node_rank < 0 || options.node_rank >= settings->max_nodes) {
    return Wrong(absl::StrCat("--node_rank=", options.node_rank, ": with --nnodes=",
                              settings->max_nodes, " it is 0 to ", settings->max_nodes - 1));
  }
  settings->is_leader = options.node_rank == 0;
  settings->host = endpoint.host;
  settings->port = endpoint.port;
  MUSTER_ASSIGN_OR_RETURN(settings->join_timeout,
                          Seconds(options, "timeout", kDefaultStaticSeconds));
  return absl::OkStatus();
}

absl::Status FillC10d(const TorchrunOptions& options, RendezvousSettings* settings) {
  MUSTER_ASSIGN_OR_RETURN(
      const Endpoint endpoint,
      ParseEndpoint(options.standalone ? "" : options.rdzv_endpoint, kDefaultC10dPort));
  settings->host = endpoint.host;
  settings->port = endpoint.port;
  MUSTER_ASSIGN_OR_RETURN(settings->is_leader, IsHost(options));
  const auto store = options.rdzv_conf.find("store_type");
  if (store != options.rdzv_conf.end() && store->second != "tcp") {
    return Wrong(absl::StrCat("--rdzv_conf: store_type=", store->second,
                              ": nodes meet over TCP; leave it out"));
  }
  MUSTER_ASSIGN_OR_RETURN(settings->join_timeout,
                          Seconds(options, "join_timeout", kDefaultJoinSeconds));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Endpoint> ParseEndpoint(const std::string& text, int default_port) {
  const std::string trimmed(absl::StripAsciiWhitespace(text));
  if (trimmed.empty()) return Endpoint{"localhost", default_port};
  Endpoint endpoint = {trimmed, default_port};
  const bool bare_ipv6 = trimmed.front() == '[' && trimmed.back() == ']';
  const size_t colon = bare_ipv6 ? std::string::npos : trimmed.rfind(':');
  if (colon != std::string::npos) {
    endpoint.host = trimmed.substr(0, colon);
    const std::string port = trimmed.substr(colon + 1);
    const bool digits = !port.empty() && port.size() <= 5 &&
                        std::all_of(port.begin(), port.end(), absl::ascii_isdigit);
    if (!digits || !absl::SimpleAtoi(port, &endpoint.port) || endpoint.port > 65535) {
      return Wrong(absl::StrCat("The port number of the rendezvous endpoint '", trimmed,
                                "' must be an integer between 0 and 65536."));
    }
  }
  std::string& host = endpoint.host;
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  if (!IsHostName(host)) {
    return Wrong(absl::StrCat("The hostname of the rendezvous endpoint '", trimmed,
                              "' must be a dot-separated list of labels, an IPv4 address, or an "
                              "IPv6 address."));
  }
  return endpoint;
}

absl::StatusOr<RendezvousSettings> MakeRendezvousSettings(const TorchrunOptions& options) {
  RendezvousSettings settings;
  settings.run_id = options.standalone ? RandomHex(32) : options.rdzv_id;
  if (settings.run_id.empty() || absl::StrContains(settings.run_id, '/')) {
    return Wrong(absl::StrCat("--rdzv_id='", settings.run_id,
                              "': begins the name of the log directory, so it must not be empty "
                              "and must not contain '/'"));
  }
  settings.min_nodes = options.min_nodes;
  settings.max_nodes = options.standalone ? 1 : options.max_nodes;
  const std::string backend = options.standalone ? "c10d" : options.rdzv_backend;
  if (absl::StartsWith(backend, "etcd")) {
    return Wrong(absl::StrCat("--rdzv_backend=", backend,
                              ": this torchrun meets without etcd; use --rdzv_backend=c10d with "
                              "--rdzv_endpoint=HOST:PORT of one of the job's hosts"));
  }
  settings.is_static = backend == "static";
  if (!settings.is_static && backend != "c10d") {
    return Wrong(absl::StrCat("--rdzv_backend=", backend, ": is neither static nor c10d"));
  }
  if (settings.is_static) {
    MUSTER_RETURN_IF_ERROR(FillStatic(options, &settings));
  } else {
    MUSTER_RETURN_IF_ERROR(FillC10d(options, &settings));
  }
  if (!settings.single() && settings.port == 0) {
    return Wrong("--rdzv_endpoint: port 0 leaves the other nodes without a place to meet");
  }
  MUSTER_ASSIGN_OR_RETURN(settings.last_call_timeout,
                          Seconds(options, "last_call_timeout", kDefaultLastCallSeconds));
  return settings;
}

}  // namespace muster
