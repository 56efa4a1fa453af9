#include "common/etcd/etcd_client.h"

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/etcd/etcd_codec.h"
#include "common/etcd/etcd_keep_alive.h"
#include "common/etcd/etcd_watch.h"
#include "common/rpc/call_queue.h"
#include "common/rpc/channel.h"
#include "common/rpc/deadline.h"
#include "common/rpc/grpc_status.h"
#include "etcd/rpc.grpc.pb.h"
#include "grpcpp/create_channel.h"

namespace muster {
namespace {

class GrpcEtcd : public Etcd {
 public:
  GrpcEtcd(EventLoop* loop, std::shared_ptr<grpc::Channel> channel, absl::Duration timeout)
      : timeout_(timeout),
        channel_(std::move(channel)),
        kv_(etcdserverpb::KV::NewStub(channel_)),
        lease_(etcdserverpb::Lease::NewStub(channel_)),
        queue_(loop) {}
  ~GrpcEtcd() override { *alive_ = false; }

  void Get(const std::string& key, bool prefix, Done<EtcdRange> done) override {
    Call<etcdserverpb::RangeResponse>(kv_.get(), &etcdserverpb::KV::Stub::AsyncRange,
                                      RangeRequestFor(key, prefix), [done](const auto& response) {
                                        response.ok() ? done(FromEtcd(*response))
                                                      : done(response.status());
                                      });
  }

  void Put(const std::string& key, const std::string& value, int64_t lease,
           Done<int64_t> done) override {
    etcdserverpb::PutRequest request;
    request.set_key(key);
    request.set_value(value);
    request.set_lease(lease);
    Call<etcdserverpb::PutResponse>(
        kv_.get(), &etcdserverpb::KV::Stub::AsyncPut, request, [done](const auto& response) {
          response.ok() ? done(response->header().revision()) : done(response.status());
        });
  }

  void Delete(const std::string& key, bool prefix, Done<int64_t> done) override {
    Call<etcdserverpb::DeleteRangeResponse>(
        kv_.get(), &etcdserverpb::KV::Stub::AsyncDeleteRange, DeleteRequestFor(key, prefix),
        [done](const auto& response) {
          response.ok() ? done(response->deleted()) : done(response.status());
        });
  }

  void Commit(const EtcdTxn& txn, Done<EtcdTxnResult> done) override {
    Call<etcdserverpb::TxnResponse>(
        kv_.get(), &etcdserverpb::KV::Stub::AsyncTxn, ToEtcd(txn), [done](const auto& response) {
          response.ok() ? done(FromEtcd(*response)) : done(response.status());
        });
  }

  void Grant(absl::Duration ttl, Done<int64_t> done) override {
    etcdserverpb::LeaseGrantRequest request;
    request.set_ttl(absl::ToInt64Seconds(absl::Ceil(ttl, absl::Seconds(1))));
    Call<etcdserverpb::LeaseGrantResponse>(
        lease_.get(), &etcdserverpb::Lease::Stub::AsyncLeaseGrant, request,
        [done](const auto& response) {
          if (!response.ok()) return done(response.status());
          if (response->error().empty()) return done(response->id());
          done(absl::UnavailableError(absl::StrCat("etcd grants no lease: ", response->error())));
        });
  }

  void Revoke(int64_t lease, std::function<void(const absl::Status&)> done) override {
    etcdserverpb::LeaseRevokeRequest request;
    request.set_id(lease);
    Call<etcdserverpb::LeaseRevokeResponse>(
        lease_.get(), &etcdserverpb::Lease::Stub::AsyncLeaseRevoke, request,
        [done](const auto& response) { done(response.status()); });
  }

  std::unique_ptr<EtcdStream> KeepAlive(int64_t lease, absl::Duration ttl,
                                        std::function<void(const absl::Status&)> on_lost) override {
    return MakeEtcdKeepAlive(&queue_, channel_, lease, ttl, std::move(on_lost));
  }

  std::unique_ptr<EtcdStream> Watch(const std::string& key, bool prefix, int64_t revision,
                                    EtcdWatchHandler handler) override {
    return MakeEtcdWatch(&queue_, channel_, key, prefix, revision, std::move(handler));
  }

 private:
  // One call under way; the completion keeps it alive.
  template <typename Response>
  struct Pending {
    grpc::ClientContext context;
    Response response;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> reader;
  };

  template <typename Response, typename Stub, typename Method, typename Request>
  void Call(Stub* stub, Method method, const Request& request, Done<Response> done) {
    auto call = std::make_shared<Pending<Response>>();
    SetTimeout(&call->context, timeout_);
    queue_.Add(&call->context);
    call->reader = (stub->*method)(&call->context, request, queue_.queue());
    call->reader->Finish(&call->response, &call->status,
                         CallQueue::Tag([this, alive = alive_, call, done](bool) {
                           if (!*alive) return;
                           queue_.Remove(&call->context);
                           if (!call->status.ok()) return done(FromGrpcStatus(call->status));
                           done(std::move(call->response));
                         }));
  }

  const absl::Duration timeout_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<etcdserverpb::KV::Stub> kv_;
  const std::unique_ptr<etcdserverpb::Lease::Stub> lease_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  CallQueue queue_;
};

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> Credentials(
    const EtcdClientOptions& options) {
  if (options.security.tls_cert.empty()) return grpc::InsecureChannelCredentials();
  return MakeChannelCredentials(options.endpoints.front(), options.security);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Etcd>> MakeEtcdClient(EventLoop* loop,
                                                     const EtcdClientOptions& options) {
  if (options.endpoints.empty()) return absl::InvalidArgumentError("etcd: no endpoint is given");
  for (const std::string& endpoint : options.endpoints) {
    MUSTER_RETURN_IF_ERROR(Annotate(CheckAddress(endpoint), "etcd"));
  }
  MUSTER_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ChannelCredentials> credentials,
                          Credentials(options));
  const bool several = options.endpoints.size() > 1;
  const std::string target =
      absl::StrCat(several ? "ipv4:" : "", absl::StrJoin(options.endpoints, ","));
  return std::unique_ptr<Etcd>(new GrpcEtcd(
      loop, grpc::CreateCustomChannel(target, credentials, ClientArguments()), options.timeout));
}

}  // namespace muster
