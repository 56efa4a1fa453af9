#include "common/base/past_moment.h"

#include <algorithm>

namespace muster {

absl::Duration PastMoment::Age(const Clock& clock) {
  if (!boot_.has_value()) {
    boot_ = clock.Boot() - std::max(clock.Wall() - wall_, absl::ZeroDuration());
  }
  return clock.Boot() - *boot_;
}

}  // namespace muster
