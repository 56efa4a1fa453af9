#include "agent/link/pledge.h"

#include <algorithm>

namespace muster {
namespace {

constexpr double kDrift = 0.02;  // Of two hosts' clocks, each 1 %.
constexpr size_t kEpochs = 16;   // To forget one is safe: it counts as unknown then.

}  // namespace

bool Pledge::Give(int64_t epoch, absl::Duration sent, absl::Duration length) {
  if (withheld_ || length <= absl::ZeroDuration()) return false;
  until_ = std::max(until_, clock_->Boot() + (1 + kDrift) * length);
  absl::Duration& last = answered_[epoch];
  last = std::max(last, sent);
  if (answered_.size() > kEpochs) answered_.erase(answered_.begin());
  return true;
}

}  // namespace muster
