#ifndef MUSTER_AGENT_ETCD_FLAGS_H_
#define MUSTER_AGENT_ETCD_FLAGS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/rpc/credentials.h"

namespace muster {

// The flags about etcd, as they were given.
struct EtcdFlags {
  std::string members;    // --etcd: [http://|https://]HOST:PORT, separated by commas.
  SecurityOptions files;  // --etcd_cert, --etcd_key, --etcd_ca.
  bool no_ca = false;     // --etcd_ca was given, and is empty.
};

// What they mean.
struct EtcdCluster {
  std::vector<std::string> members;  // HOST:PORT, at least one.
  SecurityOptions security;          // Without files: plain text.
};

// TLS with the files for etcd, where one is not given with the agent's `own`; plain text only for
// who says so, by http:// or an empty --etcd_ca, or where the agent's own TCP is plain too. Errors
// name the flag.
absl::StatusOr<EtcdCluster> ParseEtcdFlags(const EtcdFlags& flags, const SecurityOptions& own);

}  // namespace muster

#endif  // MUSTER_AGENT_ETCD_FLAGS_H_
