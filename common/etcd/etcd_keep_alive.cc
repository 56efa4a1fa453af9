#include "common/etcd/etcd_keep_alive.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/rpc/deadline.h"
#include "etcd/rpc.grpc.pb.h"

namespace muster {
namespace {

// Renewals within one time to live: two may be lost.
constexpr int kRenewals = 3;

class KeepAliveState : public std::enable_shared_from_this<KeepAliveState> {
 public:
  KeepAliveState(CallQueue* queue, const std::shared_ptr<grpc::Channel>& channel, int64_t lease,
                 absl::Duration ttl, std::function<void(const absl::Status&)> on_lost)
      : queue_(queue),
        loop_(queue->loop()),
        stub_(etcdserverpb::Lease::NewStub(channel)),
        lease_(lease),
        ttl_(ttl),
        on_lost_(std::move(on_lost)) {}

  void Start() {
    proven_at_ = loop_->clock()->Boot();
    Renew();
  }
  void Close() {
    on_lost_ = nullptr;
    loop_->Cancel(timer_);
    loop_->Cancel(lost_timer_);
    Drop();
  }

 private:
  // One renewal under way.
  struct Renewal {
    absl::Duration sent_at;
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientAsyncReaderWriter<etcdserverpb::LeaseKeepAliveRequest,
                                                  etcdserverpb::LeaseKeepAliveResponse>>
        stream;
    etcdserverpb::LeaseKeepAliveResponse response;
  };
  using Step = void (KeepAliveState::*)();

  void Renew() {
    Drop();
    renewal_ = std::make_shared<Renewal>();
    renewal_->sent_at = loop_->clock()->Boot();
    SetTimeout(&renewal_->context, ttl_ / kRenewals);
    queue_->Add(&renewal_->context);
    renewal_->stream = stub_->PrepareAsyncLeaseKeepAlive(&renewal_->context, queue_->queue());
    renewal_->stream->StartCall(Then(&KeepAliveState::Send));
    timer_ = loop_->After(ttl_ / kRenewals, [this] { Renew(); });
    loop_->Cancel(lost_timer_);
    lost_timer_ = loop_->After(proven_at_ + ttl_ - renewal_->sent_at, [this] {
      Lost(absl::DeadlineExceededError(absl::StrCat("etcd lease ", lease_, ": nobody has renewed ",
                                                    "it for ", absl::FormatDuration(ttl_))));
    });
  }

  // A tag whose completion goes on with `step`, unless the renewal was given up or has failed: the
  // next one comes by its timer.
  void* Then(Step step) {
    return CallQueue::Tag([self = shared_from_this(), renewal = renewal_, step](bool ok) {
      if (ok && renewal == self->renewal_) (self.get()->*step)();
    });
  }

  void Send() {
    etcdserverpb::LeaseKeepAliveRequest request;
    request.set_id(lease_);
    renewal_->stream->Write(request, Then(&KeepAliveState::Receive));
  }
  void Receive() { renewal_->stream->Read(&renewal_->response, Then(&KeepAliveState::Received)); }
  void Received() {
    const int64_t seconds = renewal_->response.ttl();
    proven_at_ = renewal_->sent_at;
    Drop();
    if (seconds > 0) return;
    Lost(absl::NotFoundError(absl::StrCat("etcd lease ", lease_, ": it is gone")));
  }

  void Lost(const absl::Status& status) {
    const auto on_lost = std::exchange(on_lost_, nullptr);
    Close();
    if (on_lost != nullptr) on_lost(status);
  }

  void Drop() {
    if (renewal_ == nullptr) return;
    renewal_->context.TryCancel();
    queue_->Remove(&renewal_->context);
    renewal_ = nullptr;
  }

  CallQueue* const queue_;
  EventLoop* const loop_;
  const std::unique_ptr<etcdserverpb::Lease::Stub> stub_;
  const int64_t lease_;
  const absl::Duration ttl_;
  std::function<void(const absl::Status&)> on_lost_;
  std::shared_ptr<Renewal> renewal_;
  absl::Duration proven_at_;  // When the last renewal that was answered was sent.
  EventLoop::TimerId timer_ = 0;
  EventLoop::TimerId lost_timer_ = 0;
};

class KeepAliveHandle : public EtcdStream {
 public:
  explicit KeepAliveHandle(std::shared_ptr<KeepAliveState> state) : state_(std::move(state)) {}
  ~KeepAliveHandle() override { state_->Close(); }

 private:
  const std::shared_ptr<KeepAliveState> state_;
};

}  // namespace

std::unique_ptr<EtcdStream> MakeEtcdKeepAlive(CallQueue* queue,
                                              const std::shared_ptr<grpc::Channel>& channel,
                                              int64_t lease, absl::Duration ttl,
                                              std::function<void(const absl::Status&)> on_lost) {
  auto state = std::make_shared<KeepAliveState>(queue, channel, lease, ttl, std::move(on_lost));
  state->Start();
  return std::make_unique<KeepAliveHandle>(std::move(state));
}

}  // namespace muster
