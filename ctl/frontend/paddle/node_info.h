// What the nodes of one job tell each other through the master: one JSON object each, as Paddle's
// launcher writes it, and the order that follows.
#ifndef MUSTER_CTL_FRONTEND_PADDLE_NODE_INFO_H_
#define MUSTER_CTL_FRONTEND_PADDLE_NODE_INFO_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace muster {

struct PaddleNode {
  std::string name;  // Of the pod: six random letters.
  int rank = -1;     // As wanted; -1: any.
  std::string dtype = "cpu";
  // Collective and RPC jobs.
  int replicas = 0;
  std::string candidate;               // "ip:port" for PADDLE_MASTER, should it be rank 0.
  std::vector<std::string> endpoints;  // One a process.
  // Parameter-server jobs; those have no candidate.
  std::vector<std::string> servers;
  std::vector<std::string> trainers;
  int gloo_port = 0;

  bool is_ps() const { return candidate.empty(); }
  // Its address: the host of any of its endpoints.
  std::string Address() const;
  std::string ToJson() const;
  // As Python prints the same dictionary.
  std::string ToPython() const;
};
absl::StatusOr<PaddleNode> ParsePaddleNode(const std::string& json);

// All nodes of a job by their ranks, and which one is ours.
struct PaddleNodes {
  std::vector<PaddleNode> nodes;
  int own = 0;
};

// Orders what a master holds: `entries` are its keys (`…/<name>/<rank>`) and values. By address if
// `sort_ip`, else by the ranks in the keys if `own` names one, else by the keys as text.
// INVALID_ARGUMENT says why there is no order: a rank is taken twice or is too high, a value is not
// one of ours.
absl::StatusOr<PaddleNodes> OrderPaddleNodes(const std::map<std::string, std::string>& entries,
                                             const PaddleNode& own, bool sort_ip);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_NODE_INFO_H_
