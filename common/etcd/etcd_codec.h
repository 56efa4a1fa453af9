// Between etcd.h's types and etcd's messages.
#ifndef MUSTER_COMMON_ETCD_ETCD_CODEC_H_
#define MUSTER_COMMON_ETCD_ETCD_CODEC_H_

#include <string>
#include <vector>

#include "common/etcd/etcd.h"
#include "etcd/rpc.pb.h"

namespace muster {

// The first key after all that begin with `prefix`: etcd's range_end. For a prefix that has none
// ("", or 0xff bytes only) "\0", which means all further keys.
std::string EtcdPrefixEnd(const std::string& prefix);

EtcdEntry FromEtcd(const mvccpb::KeyValue& kv);
EtcdRange FromEtcd(const etcdserverpb::RangeResponse& response);
EtcdTxnResult FromEtcd(const etcdserverpb::TxnResponse& response);
std::vector<EtcdEvent> EventsOf(const etcdserverpb::WatchResponse& response);

etcdserverpb::RangeRequest RangeRequestFor(const std::string& key, bool prefix);
etcdserverpb::RangeRequest RangeRequestFor(const EtcdPage& page);
etcdserverpb::DeleteRangeRequest DeleteRequestFor(const std::string& key, bool prefix);
etcdserverpb::TxnRequest ToEtcd(const EtcdTxn& txn);

}  // namespace muster

#endif  // MUSTER_COMMON_ETCD_ETCD_CODEC_H_
