#ifndef MUSTER_COMMON_ETCD_ETCD_WATCH_H_
#define MUSTER_COMMON_ETCD_ETCD_WATCH_H_

#include <cstdint>
#include <memory>
#include <string>

#include "common/etcd/etcd.h"
#include "common/rpc/call_queue.h"
#include "grpcpp/channel.h"

namespace muster {

// See Etcd::Watch(). One stream of its own for each watch. `queue` must outlive what is returned.
std::unique_ptr<EtcdStream> MakeEtcdWatch(CallQueue* queue,
                                          const std::shared_ptr<grpc::Channel>& channel,
                                          const std::string& key, bool prefix, int64_t revision,
                                          EtcdWatchHandler handler);

}  // namespace muster

#endif  // MUSTER_COMMON_ETCD_ETCD_WATCH_H_
