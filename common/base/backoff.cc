#include "common/base/backoff.h"

#include <algorithm>

namespace muster {

absl::Duration Backoff::Next() {
  next_ = std::min(next_ == absl::ZeroDuration() ? options_.first : next_ * 2, options_.max);
  return next_ * (1.0 - absl::Uniform(random_, 0.0, 1.0) * options_.jitter);
}

}  // namespace muster
