#ifndef MUSTER_AGENT_NODE_IDENTITY_H_
#define MUSTER_AGENT_NODE_IDENTITY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/options.h"
#include "muster/v1/node.pb.h"

namespace muster {

// Who this node is, over all restarts of its agent.
struct NodeIdentity {
  std::string id;           // Random, made at the first start.
  int64_t incarnation = 0;  // Starts of the agent, this one included.
};

// Reads both from `state_dir`, counts this start, and has it on disk when it returns. Blocks.
// DATA_LOSS: a file is damaged and must not be guessed.
absl::StatusOr<NodeIdentity> BeginIncarnation(const std::string& state_dir);

// What the agent says of its host; `agent_address` is where it answers.
v1::NodeInfo DescribeNode(const AgentOptions& options, const NodeIdentity& identity,
                          const std::string& agent_address, const std::vector<v1::Device>& devices,
                          int cpus);

}  // namespace muster

#endif  // MUSTER_AGENT_NODE_IDENTITY_H_
