#ifndef MUSTER_COMMON_ETCD_ETCD_KEEP_ALIVE_H_
#define MUSTER_COMMON_ETCD_ETCD_KEEP_ALIVE_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/etcd/etcd.h"
#include "common/etcd/etcd_members.h"
#include "common/rpc/call_queue.h"

namespace muster {

// See Etcd::KeepAlive(). `queue` and `members` must outlive what is returned.
std::unique_ptr<EtcdStream> MakeEtcdKeepAlive(
    CallQueue* queue, EtcdMembers* members, int64_t lease, absl::Duration ttl,
    std::function<void(const absl::Status& status)> on_lost);

}  // namespace muster

#endif  // MUSTER_COMMON_ETCD_ETCD_KEEP_ALIVE_H_
