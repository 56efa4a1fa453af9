// A front of one etcd member that can lie. It passes on every call that Muster makes; told so, it
// also does what etcd 3.4 has done by a bug: it answers the renewal of a revoked lease as if that
// were still there, and tells watches nothing.
//
// usage: etcd_front HOST:PORT
//
// Prints the port on loopback where it listens. Reads words from stdin, one a line, and answers
// each with the number of transactions that etcd has refused, through this front, since the last
// "lie":
//   lie      renewals of leases that are gone are answered well
//   mute     the same, and changes are not told
//   honest   nothing of it any more; watches are broken off, for what was not told stays so
//   count    nothing
// Ends with stdin.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "etcd/rpc.grpc.pb.h"
#include "grpcpp/channel.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"

namespace muster {
namespace {

using grpc::ServerContext;
using grpc::Status;

constexpr int kAnyTtl = 3;  // Seconds: what it says of a lease that is gone.

// What the front is told to do. Read by gRPC's threads.
struct Lies {
  std::atomic<bool> renewals{false};
  std::atomic<bool> watches{false};
  std::atomic<int> refused{0};
};

// Ends with the call that it serves; has its deadline.
std::unique_ptr<grpc::ClientContext> Onward(const ServerContext& call) {
  std::unique_ptr<grpc::ClientContext> context = grpc::ClientContext::FromServerContext(call);
  const auto leader = call.client_metadata().find("hasleader");
  if (leader != call.client_metadata().end()) context->AddMetadata("hasleader", "true");
  return context;
}

class KvFront final : public etcdserverpb::KV::Service {
 public:
  KvFront(const std::shared_ptr<grpc::Channel>& channel, Lies* lies)
      : stub_(channel), lies_(lies) {}

  Status Range(ServerContext* call, const etcdserverpb::RangeRequest* request,
               etcdserverpb::RangeResponse* response) override {
    return stub_.Range(Onward(*call).get(), *request, response);
  }
  Status Put(ServerContext* call, const etcdserverpb::PutRequest* request,
             etcdserverpb::PutResponse* response) override {
    return stub_.Put(Onward(*call).get(), *request, response);
  }
  Status DeleteRange(ServerContext* call, const etcdserverpb::DeleteRangeRequest* request,
                     etcdserverpb::DeleteRangeResponse* response) override {
    return stub_.DeleteRange(Onward(*call).get(), *request, response);
  }
  Status Txn(ServerContext* call, const etcdserverpb::TxnRequest* request,
             etcdserverpb::TxnResponse* response) override {
    const Status status = stub_.Txn(Onward(*call).get(), *request, response);
    if (status.ok() && !response->succeeded()) ++lies_->refused;
    return status;
  }

 private:
  etcdserverpb::KV::Stub stub_;
  Lies* const lies_;
};

class LeaseFront final : public etcdserverpb::Lease::Service {
 public:
  LeaseFront(const std::shared_ptr<grpc::Channel>& channel, const Lies* lies)
      : stub_(channel), lies_(lies) {}

  Status LeaseGrant(ServerContext* call, const etcdserverpb::LeaseGrantRequest* request,
                    etcdserverpb::LeaseGrantResponse* response) override {
    return stub_.LeaseGrant(Onward(*call).get(), *request, response);
  }
  Status LeaseRevoke(ServerContext* call, const etcdserverpb::LeaseRevokeRequest* request,
                     etcdserverpb::LeaseRevokeResponse* response) override {
    return stub_.LeaseRevoke(Onward(*call).get(), *request, response);
  }
  Status LeaseKeepAlive(
      ServerContext* call,
      grpc::ServerReaderWriter<etcdserverpb::LeaseKeepAliveResponse,
                               etcdserverpb::LeaseKeepAliveRequest>* here) override {
    const std::unique_ptr<grpc::ClientContext> context = Onward(*call);
    const auto there = stub_.LeaseKeepAlive(context.get());
    etcdserverpb::LeaseKeepAliveRequest request;
    etcdserverpb::LeaseKeepAliveResponse response;
    while (here->Read(&request)) {  // Each request has one answer.
      if (!there->Write(request) || !there->Read(&response)) return there->Finish();
      if (response.ttl() <= 0 && lies_->renewals) response.set_ttl(kAnyTtl);
      here->Write(response);
    }
    there->WritesDone();
    return there->Finish();
  }

 private:
  etcdserverpb::Lease::Stub stub_;
  const Lies* const lies_;
};

class WatchFront final : public etcdserverpb::Watch::Service {
 public:
  WatchFront(const std::shared_ptr<grpc::Channel>& channel, const Lies* lies)
      : stub_(channel), lies_(lies) {}

  Status Watch(ServerContext* call,
               grpc::ServerReaderWriter<etcdserverpb::WatchResponse, etcdserverpb::WatchRequest>*
                   here) override {
    const std::unique_ptr<grpc::ClientContext> context = Onward(*call);
    Add(call);
    const auto there = stub_.Watch(context.get());
    std::thread requests([&] {
      etcdserverpb::WatchRequest request;
      while (here->Read(&request) && there->Write(request)) {
      }
      there->WritesDone();
    });
    etcdserverpb::WatchResponse response;
    while (there->Read(&response)) {
      if (!lies_->watches || response.created()) here->Write(response);
    }
    call->TryCancel();  // For the reading thread.
    requests.join();
    Remove(call);
    return there->Finish();
  }
  // Breaks off all that are open.
  void Break() {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (ServerContext* const call : calls_) call->TryCancel();
  }

 private:
  void Add(ServerContext* call) {
    const std::lock_guard<std::mutex> lock(mutex_);
    calls_.insert(call);
  }
  void Remove(ServerContext* call) {
    const std::lock_guard<std::mutex> lock(mutex_);
    calls_.erase(call);
  }

  etcdserverpb::Watch::Stub stub_;
  const Lies* const lies_;
  std::mutex mutex_;
  std::set<ServerContext*> calls_;
};

int Main(const std::string& target) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  const std::shared_ptr<grpc::Channel> channel =
      grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
  Lies lies;
  KvFront kv(channel, &lies);
  LeaseFront lease(channel, &lies);
  WatchFront watch(channel, &lies);
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&kv);
  builder.RegisterService(&lease);
  builder.RegisterService(&watch);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  std::cout << port << std::endl;
  std::string word;
  while (std::getline(std::cin, word)) {
    if (word != "count") {
      if (word != "honest") lies.refused = 0;
      lies.renewals = word != "honest";
      lies.watches = word == "mute";
      if (word == "honest") watch.Break();
    }
    std::cout << lies.refused << std::endl;
  }
  server->Shutdown(std::chrono::system_clock::now());
  return 0;
}

}  // namespace
}  // namespace muster

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: etcd_front HOST:PORT\n");
    return 2;
  }
  return muster::Main(argv[1]);
}
