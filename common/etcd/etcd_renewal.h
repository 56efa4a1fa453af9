#ifndef MUSTER_COMMON_ETCD_ETCD_RENEWAL_H_
#define MUSTER_COMMON_ETCD_ETCD_RENEWAL_H_

#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "common/etcd/etcd.h"
#include "common/etcd/etcd_members.h"
#include "common/rpc/call_queue.h"
#include "etcd/rpc.grpc.pb.h"

namespace muster {

// See Etcd::Renew(). A short stream of its own: nothing is half-open between two renewals, and a
// new connection needs no care. Lives on the loop; what gRPC still owes keeps it alive.
class EtcdRenewal : public std::enable_shared_from_this<EtcdRenewal> {
 public:
  // `queue` and `members` must outlive its end, which is the call of `done`, or Cancel().
  EtcdRenewal(CallQueue* queue, EtcdMembers* members, int64_t lease,
              Etcd::Done<absl::Duration> done);

  void Start(absl::Duration timeout);
  // `done` is not called any more.
  void Cancel();

 private:
  using Step = void (EtcdRenewal::*)();

  // A tag whose completion goes on with `step`, or asks why not.
  void* Then(Step step);
  void Send();
  void Receive();
  void Received();
  void Finish();
  void End(const absl::StatusOr<absl::Duration>& result);

  CallQueue* const queue_;
  EtcdMembers* const members_;
  const int64_t lease_;
  const uint64_t turn_;
  Etcd::Done<absl::Duration> done_;
  bool ended_ = false;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<etcdserverpb::LeaseKeepAliveRequest,
                                                etcdserverpb::LeaseKeepAliveResponse>>
      stream_;
  etcdserverpb::LeaseKeepAliveResponse response_;
  grpc::Status status_;
};

}  // namespace muster

#endif  // MUSTER_COMMON_ETCD_ETCD_RENEWAL_H_
