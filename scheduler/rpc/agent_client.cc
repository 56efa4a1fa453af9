#include "scheduler/rpc/agent_client.h"

#include <utility>

#include "common/rpc/deadline.h"
#include "common/rpc/grpc_status.h"
#include "grpcpp/client_context.h"

namespace muster {
namespace {

constexpr absl::Duration kDeadline = absl::Seconds(10);

// What one call needs until it is answered.
template <typename Request, typename Response>
struct Call {
  grpc::ClientContext context;
  Request request;
  Response response;
  AgentChannel::Done<Response> done;
};

// Begins one call; `invoke` passes its arguments to a method of the stub.
template <typename Request, typename Response, typename Invoke>
void Begin(EventLoop* loop, const Request& request, AgentChannel::Done<Response> done,
           Invoke invoke) {
  auto call = std::make_shared<Call<Request, Response>>();
  SetTimeout(&call->context, kDeadline);
  call->context.set_wait_for_ready(true);
  call->request = request;
  call->done = std::move(done);
  invoke(&call->context, &call->request, &call->response, [loop, call](const grpc::Status& status) {
    loop->Post([call, status] {
      if (status.ok()) return call->done(std::move(call->response));
      call->done(FromGrpcStatus(status));
    });
  });
}

class BrokenAgentChannel final : public AgentChannel {
 public:
  BrokenAgentChannel(const absl::Status& status, EventLoop* loop) : status_(status), loop_(loop) {}
  void Reserve(const v1::ReserveGangRequest&, Done<v1::ReserveGangResponse> done) override {
    Refuse<v1::ReserveGangResponse>(std::move(done));
  }
  void Start(const v1::StartGangRequest&, Done<v1::StartGangResponse> done) override {
    Refuse<v1::StartGangResponse>(std::move(done));
  }
  void Stop(const v1::StopGangRequest&, Done<v1::StopGangResponse> done) override {
    Refuse<v1::StopGangResponse>(std::move(done));
  }
  void Release(const v1::ReleaseGangRequest&, Done<v1::ReleaseGangResponse> done) override {
    Refuse<v1::ReleaseGangResponse>(std::move(done));
  }
  void RestartRank(const v1::RestartRankRequest&, Done<v1::RestartRankResponse> done) override {
    Refuse<v1::RestartRankResponse>(std::move(done));
  }

 private:
  template <typename Response>
  void Refuse(Done<Response> done) {
    loop_->Post([status = status_, done = std::move(done)] { done(status); });
  }
  const absl::Status status_;
  EventLoop* const loop_;
};

}  // namespace

AgentClient::AgentClient(std::shared_ptr<grpc::Channel> channel, EventLoop* loop)
    : stub_(v1::AgentService::NewStub(std::move(channel))), loop_(loop) {}

void AgentClient::Reserve(const v1::ReserveGangRequest& request,
                          Done<v1::ReserveGangResponse> done) {
  Begin(loop_, request, std::move(done), [this](auto&&... args) {
    stub_->async()->ReserveGang(std::forward<decltype(args)>(args)...);
  });
}

void AgentClient::Start(const v1::StartGangRequest& request, Done<v1::StartGangResponse> done) {
  Begin(loop_, request, std::move(done), [this](auto&&... args) {
    stub_->async()->StartGang(std::forward<decltype(args)>(args)...);
  });
}

void AgentClient::Stop(const v1::StopGangRequest& request, Done<v1::StopGangResponse> done) {
  Begin(loop_, request, std::move(done), [this](auto&&... args) {
    stub_->async()->StopGang(std::forward<decltype(args)>(args)...);
  });
}

void AgentClient::Release(const v1::ReleaseGangRequest& request,
                          Done<v1::ReleaseGangResponse> done) {
  Begin(loop_, request, std::move(done), [this](auto&&... args) {
    stub_->async()->ReleaseGang(std::forward<decltype(args)>(args)...);
  });
}

void AgentClient::RestartRank(const v1::RestartRankRequest& request,
                              Done<v1::RestartRankResponse> done) {
  Begin(loop_, request, std::move(done), [this](auto&&... args) {
    stub_->async()->RestartRank(std::forward<decltype(args)>(args)...);
  });
}

std::unique_ptr<AgentChannel> MakeBrokenAgentChannel(const absl::Status& status, EventLoop* loop) {
  return std::make_unique<BrokenAgentChannel>(status, loop);
}

}  // namespace muster
