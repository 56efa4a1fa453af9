#ifndef MUSTER_CTL_FRONTEND_TORCHRUN_RENDEZVOUS_SETTINGS_H_
#define MUSTER_CTL_FRONTEND_TORCHRUN_RENDEZVOUS_SETTINGS_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ctl/frontend/torchrun/options.h"

namespace muster {

// How the nodes of a job meet, with all defaults filled in.
struct RendezvousSettings {
  std::string run_id;
  bool is_static = true;  // Else c10d.
  int min_nodes = 1;
  int max_nodes = 1;
  int node_rank = -1;  // Of a static job.
  // Where the leader listens; both also where one node needs nobody to meet.
  std::string host;
  int port = 0;
  std::optional<bool> is_leader;  // Absent: whoever has the address `host`.
  absl::Duration join_timeout;
  absl::Duration last_call_timeout;

  bool single() const { return max_nodes == 1; }
};

// "[::1]:29400", "node-0", "10.0.0.1:29500". torch 1.13.1,
// torch/distributed/elastic/rendezvous/utils.py, parse_rendezvous_endpoint().
struct Endpoint {
  std::string host;
  int port = -1;  // None given, and there was no default.
};
absl::StatusOr<Endpoint> ParseEndpoint(const std::string& text, int default_port);

// INVALID_ARGUMENT says which flags do not go together.
absl::StatusOr<RendezvousSettings> MakeRendezvousSettings(const TorchrunOptions& options);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_TORCHRUN_RENDEZVOUS_SETTINGS_H_
