#ifndef MUSTER_COMMON_BASE_PAST_MOMENT_H_
#define MUSTER_COMMON_BASE_PAST_MOMENT_H_

#include <optional>

#include "absl/time/time.h"
#include "common/base/clock.h"

namespace muster {

// When something happened, to tell how long ago that is although the time of day may be set anew.
// What this process saw counts on the boot clock alone. What an earlier one has put on record is
// aged by the time of day once, when its age is first asked for, and on the boot clock from then
// on. So no step of the time of day makes old what this process knows. A value; not thread-safe.
class PastMoment {
 public:
  // It happens now.
  explicit PastMoment(const Clock& clock) : boot_(clock.Boot()) {}
  // It happened at `wall` by the time of day, and is on record.
  static PastMoment OnRecord(absl::Time wall) { return PastMoment(wall); }

  // Never negative: what is on record for a time to come happened when it was first asked for.
  absl::Duration Age(const Clock& clock);

 private:
  explicit PastMoment(absl::Time wall) : wall_(wall) {}

  absl::Time wall_;                     // Until boot_ is known.
  std::optional<absl::Duration> boot_;  // On Clock::Boot(); negative when it was before the boot.
};

}  // namespace muster

#endif  // MUSTER_COMMON_BASE_PAST_MOMENT_H_
