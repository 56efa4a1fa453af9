#include "common/etcd/etcd_client.h"

#include <cstdint>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/etcd/etcd_codec.h"
#include "common/etcd/etcd_keep_alive.h"
#include "common/etcd/etcd_members.h"
#include "common/etcd/etcd_renewal.h"
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
  using KV = etcdserverpb::KV;
  using Lease = etcdserverpb::Lease;

 public:
  GrpcEtcd(EventLoop* loop, std::vector<std::shared_ptr<grpc::Channel>> channels,
           absl::Duration timeout)
      : timeout_(timeout), members_(std::move(channels)), queue_(loop) {}
  ~GrpcEtcd() override {
    *alive_ = false;
    for (const auto& [number, renewal] : renewals_) renewal->Cancel();
  }

  void Get(const std::string& key, bool prefix, Done<EtcdRange> done) override {
    Call<KV, etcdserverpb::RangeResponse>(
        &KV::Stub::AsyncRange, RangeRequestFor(key, prefix), [done](const auto& response) {
          response.ok() ? done(FromEtcd(*response)) : done(response.status());
        });
  }

  void GetPage(const EtcdPage& page, Done<EtcdRange> done) override {
    Call<KV, etcdserverpb::RangeResponse>(
        &KV::Stub::AsyncRange, RangeRequestFor(page), [done](const auto& response) {
          response.ok() ? done(FromEtcd(*response)) : done(response.status());
        });
  }

  void Put(const std::string& key, const std::string& value, int64_t lease,
           Done<int64_t> done) override {
    etcdserverpb::PutRequest request;
    request.set_key(key);
    request.set_value(value);
    request.set_lease(lease);
    Call<KV, etcdserverpb::PutResponse>(&KV::Stub::AsyncPut, request, [done](const auto& response) {
      response.ok() ? done(response->header().revision()) : done(response.status());
    });
  }

  void Delete(const std::string& key, bool prefix, Done<int64_t> done) override {
    Call<KV, etcdserverpb::DeleteRangeResponse>(
        &KV::Stub::AsyncDeleteRange, DeleteRequestFor(key, prefix), [done](const auto& response) {
          response.ok() ? done(response->deleted()) : done(response.status());
        });
  }

  void Commit(const EtcdTxn& txn, Done<EtcdTxnResult> done) override {
    Call<KV, etcdserverpb::TxnResponse>(
        &KV::Stub::AsyncTxn, ToEtcd(txn), [done](const auto& response) {
          response.ok() ? done(FromEtcd(*response)) : done(response.status());
        });
  }

  void Grant(absl::Duration ttl, Done<int64_t> done) override {
    etcdserverpb::LeaseGrantRequest request;
    request.set_ttl(absl::ToInt64Seconds(absl::Ceil(ttl, absl::Seconds(1))));
    Call<Lease, etcdserverpb::LeaseGrantResponse>(
        &Lease::Stub::AsyncLeaseGrant, request, [done](const auto& response) {
          if (!response.ok()) return done(response.status());
          if (response->error().empty()) return done(response->id());
          done(absl::UnavailableError(absl::StrCat("etcd grants no lease: ", response->error())));
        });
  }

  void Revoke(int64_t lease, std::function<void(const absl::Status&)> done) override {
    etcdserverpb::LeaseRevokeRequest request;
    request.set_id(lease);
    Call<Lease, etcdserverpb::LeaseRevokeResponse>(
        &Lease::Stub::AsyncLeaseRevoke, request,
        [done](const auto& response) { done(response.status()); });
  }

  void Renew(int64_t lease, Done<absl::Duration> done) override {
    const int64_t number = ++last_renewal_;
    auto renewal = std::make_shared<EtcdRenewal>(
        &queue_, &members_, lease,
        [this, number, done = std::move(done)](const absl::StatusOr<absl::Duration>& ttl) {
          renewals_.erase(number);
          done(ttl);
        });
    renewals_[number] = renewal;
    renewal->Start(timeout_);
  }

  std::unique_ptr<EtcdStream> KeepAlive(int64_t lease, absl::Duration ttl,
                                        std::function<void(const absl::Status&)> on_lost) override {
    return MakeEtcdKeepAlive(&queue_, &members_, lease, ttl, std::move(on_lost));
  }

  std::unique_ptr<EtcdStream> Watch(const std::string& key, bool prefix, int64_t revision,
                                    EtcdWatchHandler handler) override {
    return MakeEtcdWatch(&queue_, &members_, key, prefix, revision, std::move(handler));
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

  template <typename Service, typename Response, typename Method, typename Request>
  void Call(Method method, const Request& request, Done<Response> done) {
    auto call = std::make_shared<Pending<Response>>();
    SetTimeout(&call->context, timeout_);
    RequireEtcdLeader(&call->context);
    queue_.Add(&call->context);
    typename Service::Stub stub(members_.channel());
    call->reader = (stub.*method)(&call->context, request, queue_.queue());
    call->reader->Finish(
        &call->response, &call->status,
        CallQueue::Tag([this, alive = alive_, call, turn = members_.turn(), done](bool) {
          if (!*alive) return;
          queue_.Remove(&call->context);
          if (call->status.ok()) return done(std::move(call->response));
          const absl::Status status = FromGrpcStatus(call->status);
          if (EtcdMembers::Blames(status)) members_.Failed(turn);
          done(status);
        }));
  }

  const absl::Duration timeout_;
  EtcdMembers members_;
  int64_t last_renewal_ = 0;
  std::map<int64_t, std::shared_ptr<EtcdRenewal>> renewals_;  // Under way.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  CallQueue queue_;
};

// A page of the largest values that a store of ours writes, with room to spare.
constexpr int kMaxAnswerBytes = 72 << 20;

absl::StatusOr<std::shared_ptr<grpc::Channel>> ChannelTo(const std::string& endpoint,
                                                         const SecurityOptions& security) {
  MUSTER_RETURN_IF_ERROR(CheckAddress(endpoint));
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (!security.tls_cert.empty()) {
    MUSTER_ASSIGN_OR_RETURN(credentials, MakeChannelCredentials(endpoint, security));
  }
  grpc::ChannelArguments arguments = ClientArguments();
  arguments.SetMaxReceiveMessageSize(kMaxAnswerBytes);
  return grpc::CreateCustomChannel(endpoint, credentials, arguments);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Etcd>> MakeEtcdClient(EventLoop* loop,
                                                     const EtcdClientOptions& options) {
  if (options.endpoints.empty()) return absl::InvalidArgumentError("etcd: no endpoint is given");
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (const std::string& endpoint : options.endpoints) {
    absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = ChannelTo(endpoint, options.security);
    if (!channel.ok()) return Annotate(channel.status(), "etcd");
    channels.push_back(*std::move(channel));
  }
  return std::unique_ptr<Etcd>(new GrpcEtcd(loop, std::move(channels), options.timeout));
}

}  // namespace muster
