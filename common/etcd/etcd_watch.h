#ifndef MUSTER_COMMON_ETCD_ETCD_WATCH_H_
#define MUSTER_COMMON_ETCD_ETCD_WATCH_H_

#include <cstdint>
#include <memory>
#include <string>

#include "common/etcd/etcd.h"
#include "common/etcd/etcd_members.h"
#include "common/rpc/call_queue.h"

namespace muster {

// See Etcd::Watch(). One stream of its own for each watch; it moves on with the members. `queue`
// and `members` must outlive what is returned.
std::unique_ptr<EtcdStream> MakeEtcdWatch(CallQueue* queue, EtcdMembers* members,
                                          const std::string& key, bool prefix, int64_t revision,
                                          EtcdWatchHandler handler);

}  // namespace muster

#endif  // MUSTER_COMMON_ETCD_ETCD_WATCH_H_
