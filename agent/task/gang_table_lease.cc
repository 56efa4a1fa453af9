// The node's lease, and what happens to the gangs when it has run out.
#include <algorithm>
#include <utility>

#include "agent/task/gang_table.h"
#include "agent/task/node_lease.h"
#include "common/base/failpoint.h"
#include "glog/logging.h"

namespace muster {

void GangTable::SetLease(const NodeLease& lease) {
  DCHECK(loop_->OnLoop());
  if (LeaseHasRunOut()) Fence();  // The renewal was faster than the timer.
  lease_ = lease;
  host_.lease = lease_;
  fenced_ = false;
  SaveLease();
  for (auto& [key, gang] : gangs_) gang->KeepLease();
  for (auto& [key, gang] : aside_) gang->KeepLease(lease);
}

bool GangTable::LeaseHasRunOut() const {
  return lease_.has_value() && loop_->clock()->Boot() >= lease_->until &&
         !Planted("skip_fence_check");
}

void GangTable::Fence() {
  DCHECK(loop_->OnLoop());
  if (!lease_.has_value() || Planted("skip_fence_check") || std::exchange(fenced_, true)) return;
  // A start that comes now was sent before the scheduler gave this host up.
  ledger_->ReleaseLeases();
  const absl::Duration late = loop_->clock()->Boot() - lease_->until;
  const absl::Duration grace = std::max(lease_->grace - late, absl::ZeroDuration());
  for (auto& [key, gang] : gangs_) gang->Fence(grace);
  for (auto& [key, gang] : aside_) gang->Fence(grace);
}

// Without fsync: it must outlive the agent, and nothing that it is about outlives the kernel. One
// write at a time; the newest lease follows.
void GangTable::SaveLease() {
  if (saving_lease_) {
    lease_changed_ = true;
    return;
  }
  saving_lease_ = true;
  lease_changed_ = false;
  disk_.Run([path = LeasePath(), lease = *lease_] { return WriteLease(path, lease); },
            [this, alive = alive_](const absl::Status& status) {
              if (!*alive) return;
              // The older lease that the disk has ends sooner: safe.
              if (!status.ok()) LOG(WARNING) << "lease: " << status.message();
              saving_lease_ = false;
              if (lease_changed_) SaveLease();
            });
}

}  // namespace muster
