#ifndef MUSTER_COMMON_ETCD_ETCD_CLIENT_H_
#define MUSTER_COMMON_ETCD_ETCD_CLIENT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/event_loop.h"
#include "common/etcd/etcd.h"
#include "common/rpc/credentials.h"

namespace muster {

struct EtcdClientOptions {
  // "host:port". Several are members of one cluster: one is used until it fails, then the next.
  std::vector<std::string> endpoints;
  // Of every call but the streams.
  absl::Duration timeout = absl::Seconds(3);
  // TLS, or none: then everything can be read and forged on the way.
  SecurityOptions security;
};

// A client over gRPC. Connects when first used, and again when the connection breaks. Has a thread
// of its own; its destructor cancels what is open. INVALID_ARGUMENT: an endpoint is none.
// `loop` must outlive it.
absl::StatusOr<std::unique_ptr<Etcd>> MakeEtcdClient(EventLoop* loop,
                                                     const EtcdClientOptions& options);

}  // namespace muster

#endif  // MUSTER_COMMON_ETCD_ETCD_CLIENT_H_
