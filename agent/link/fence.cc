#include "agent/link/fence.h"

#include <algorithm>

#include "glog/logging.h"

namespace muster {
namespace {

absl::Duration ToDuration(const google::protobuf::Duration& value) {
  return absl::Seconds(value.seconds()) + absl::Nanoseconds(value.nanos());
}

}  // namespace

Fence::Fence(EventLoop* loop, Gangs* gangs) : loop_(loop), gangs_(gangs) { Arm(); }

Fence::~Fence() { loop_->Cancel(timer_); }

void Fence::OnWelcome(const v1::NodeWelcome& welcome, absl::Duration sent) {
  DCHECK(loop_->OnLoop());
  if (!welcome.has_node_lease()) return Release(welcome.epoch());
  epoch_ = welcome.epoch();
  lease_ = ToDuration(welcome.node_lease());
  grace_ = ToDuration(welcome.fence_grace());
  Renew(sent);
}

void Fence::OnAnswer(absl::Duration sent) {
  DCHECK(loop_->OnLoop());
  if (lease_ > absl::ZeroDuration()) Renew(sent);
}

absl::Duration Fence::Patience() const {
  return lease_ > absl::ZeroDuration() ? lease_ / 2 : absl::InfiniteDuration();
}

void Fence::Release(int64_t epoch) {
  const std::optional<NodeLease> lease = gangs_->lease();
  if (!lease.has_value() || lease->until == absl::InfiniteDuration() || epoch <= lease->epoch) {
    return;
  }
  if (lease->until <= loop_->clock()->Boot()) return;  // Too late: the gangs are being stopped.
  LOG(WARNING) << "the scheduler of epoch " << epoch
               << " gives no lease: the gangs of this host are not fenced";
  lease_ = absl::ZeroDuration();
  gangs_->SetLease({epoch, absl::InfiniteDuration(), lease->grace});
  Arm();
}

void Fence::Renew(absl::Duration sent) {
  const NodeLease lease{epoch_, sent + lease_, grace_};
  // An answer that has come too late renews nothing.
  if (lease.until > loop_->clock()->Boot()) gangs_->SetLease(lease);
  Arm();
}

void Fence::Arm() {
  loop_->Cancel(timer_);
  timer_ = 0;
  const std::optional<NodeLease> lease = gangs_->lease();
  if (!lease.has_value() || lease->until == absl::InfiniteDuration()) return;
  const absl::Duration left = lease->until - loop_->clock()->Boot();
  timer_ = loop_->After(std::max(left, absl::ZeroDuration()), [this] { OnDue(); });
}

void Fence::OnDue() {
  timer_ = 0;
  const std::optional<NodeLease> lease = gangs_->lease();
  const absl::Duration now = loop_->clock()->Boot();
  if (lease.has_value() && now < lease->until) return Arm();
  LOG(WARNING) << "the lease of this host has run out: the scheduler has not answered for "
               << (lease_ > absl::ZeroDuration() ? lease_ : absl::ZeroDuration())
               << "; gangs with on_partition: fence are stopped";
  gangs_->Fence();
}

}  // namespace muster
