#include "common/etcd/etcd_keep_alive.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/etcd/etcd_renewal.h"

namespace muster {
namespace {

// Renewals within one time to live: two may be lost.
constexpr int kRenewals = 3;

class KeepAliveState : public std::enable_shared_from_this<KeepAliveState> {
 public:
  KeepAliveState(CallQueue* queue, EtcdMembers* members, int64_t lease, absl::Duration ttl,
                 std::function<void(const absl::Status&)> on_lost)
      : queue_(queue),
        members_(members),
        loop_(queue->loop()),
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
  void Renew() {
    Drop();
    const absl::Duration sent_at = loop_->clock()->Boot();
    renewal_ = std::make_shared<EtcdRenewal>(
        queue_, members_, lease_,
        [this, sent_at](const absl::StatusOr<absl::Duration>& ttl) { Renewed(sent_at, ttl); });
    renewal_->Start(ttl_ / kRenewals);
    timer_ = loop_->After(ttl_ / kRenewals, [this] { Renew(); });
    loop_->Cancel(lost_timer_);
    lost_timer_ = loop_->After(proven_at_ + ttl_ - sent_at, [this] {
      Lost(absl::DeadlineExceededError(absl::StrCat("etcd lease ", lease_, ": nobody has renewed ",
                                                    "it for ", absl::FormatDuration(ttl_))));
    });
  }

  // After a failure the next one comes by its timer.
  void Renewed(absl::Duration sent_at, const absl::StatusOr<absl::Duration>& ttl) {
    if (ttl.ok()) proven_at_ = sent_at;
    if (absl::IsNotFound(ttl.status())) Lost(ttl.status());
  }

  void Lost(const absl::Status& status) {
    const auto on_lost = std::exchange(on_lost_, nullptr);
    Close();
    if (on_lost != nullptr) on_lost(status);
  }

  void Drop() {
    if (renewal_ != nullptr) renewal_->Cancel();
    renewal_ = nullptr;
  }

  CallQueue* const queue_;
  EtcdMembers* const members_;
  EventLoop* const loop_;
  const int64_t lease_;
  const absl::Duration ttl_;
  std::function<void(const absl::Status&)> on_lost_;
  std::shared_ptr<EtcdRenewal> renewal_;
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

std::unique_ptr<EtcdStream> MakeEtcdKeepAlive(CallQueue* queue, EtcdMembers* members, int64_t lease,
                                              absl::Duration ttl,
                                              std::function<void(const absl::Status&)> on_lost) {
  auto state = std::make_shared<KeepAliveState>(queue, members, lease, ttl, std::move(on_lost));
  state->Start();
  return std::make_unique<KeepAliveHandle>(std::move(state));
}

}  // namespace muster
