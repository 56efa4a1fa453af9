#include "agent/rpc/node_stream.h"

#include <utility>

#include "common/rpc/grpc_status.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/client_callback.h"
#include "muster/v1/node_service.grpc.pb.h"

namespace muster {
namespace {

// The call itself. gRPC calls the On…() reactions on its own threads; each only posts to the loop,
// where all state lives. Deletes itself when the call is done, which may be after its stream's end.
class Call final : public grpc::ClientBidiReactor<v1::ConnectNodeRequest, v1::ConnectNodeResponse> {
 public:
  Call(const std::shared_ptr<grpc::Channel>& channel, EventLoop* loop, NodeStreamEvents* events)
      : stub_(v1::NodeService::NewStub(channel)), loop_(loop), events_(events) {
    stub_->async()->ConnectNode(&context_, this);
    AddHold();  // Reads and writes are started outside the reactions; see LetGo().
    StartRead(&response_);
    StartCall();
  }

  void Send(const v1::ConnectNodeRequest& message) {
    if (!holding_) return;  // Broken; OnDone() comes.
    request_ = message;
    StartWrite(&request_);
  }
  // No events from here on.
  void Detach() {
    events_ = nullptr;
    context_.TryCancel();
    LetGo();
  }

  void OnReadDone(bool ok) override {
    loop_->Post([this, ok] {
      if (!ok) return LetGo();
      if (!holding_) return;  // Without the hold the call may be over already.
      v1::ConnectNodeResponse response;
      response.Swap(&response_);
      StartRead(&response_);
      if (events_ != nullptr) events_->OnResponse(response);
    });
  }
  void OnWriteDone(bool ok) override {
    loop_->Post([this, ok] {
      if (!ok) return LetGo();
      if (events_ != nullptr) events_->OnSent();
    });
  }
  void OnDone(const grpc::Status& status) override {
    loop_->Post([this, status] {
      if (events_ != nullptr) events_->OnClosed(FromGrpcStatus(status));
      delete this;
    });
  }

 private:
  ~Call() override = default;

  // The call may end; nothing more may be started on it.
  void LetGo() {
    if (std::exchange(holding_, false)) RemoveHold();
  }

  const std::unique_ptr<v1::NodeService::Stub> stub_;
  EventLoop* const loop_;
  NodeStreamEvents* events_;  // Null once detached.
  grpc::ClientContext context_;
  v1::ConnectNodeRequest request_;    // Belongs to gRPC while a write is in flight.
  v1::ConnectNodeResponse response_;  // Belongs to gRPC while a read is in flight.
  bool holding_ = true;
};

class GrpcNodeStream final : public NodeStream, private NodeStreamEvents {
 public:
  GrpcNodeStream(const std::shared_ptr<grpc::Channel>& channel, EventLoop* loop,
                 NodeStreamEvents* events)
      : events_(events), call_(new Call(channel, loop, this)) {}
  ~GrpcNodeStream() override {
    if (call_ != nullptr) call_->Detach();
  }

  void Send(const v1::ConnectNodeRequest& message) override {
    if (call_ != nullptr) call_->Send(message);
  }

 private:
  void OnResponse(const v1::ConnectNodeResponse& response) override {
    events_->OnResponse(response);
  }
  void OnSent() override { events_->OnSent(); }
  void OnClosed(const absl::Status& status) override {
    call_ = nullptr;  // Deletes itself right after this.
    events_->OnClosed(status);
  }

  NodeStreamEvents* const events_;
  Call* call_;
};

class RefusedNodeStream final : public NodeStream {
 public:
  RefusedNodeStream(const absl::Status& status, EventLoop* loop, NodeStreamEvents* events) {
    loop->Post([alive = alive_, status, events] {
      if (*alive) events->OnClosed(status);
    });
  }
  ~RefusedNodeStream() override { *alive_ = false; }

  void Send(const v1::ConnectNodeRequest&) override {}

 private:
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

std::unique_ptr<NodeStream> OpenNodeStream(const std::shared_ptr<grpc::Channel>& channel,
                                           EventLoop* loop, NodeStreamEvents* events) {
  return std::make_unique<GrpcNodeStream>(channel, loop, events);
}

std::unique_ptr<NodeStream> RefuseNodeStream(const absl::Status& status, EventLoop* loop,
                                             NodeStreamEvents* events) {
  return std::make_unique<RefusedNodeStream>(status, loop, events);
}

}  // namespace muster
