#ifndef MUSTER_COMMON_BASE_CLOCK_H_
#define MUSTER_COMMON_BASE_CLOCK_H_

#include "absl/time/time.h"

namespace muster {

// The two times that Muster knows. Deadlines, leases and back-offs count on Boot(); Wall() is for
// people. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Time of day. May jump either way.
  virtual absl::Time Wall() const = 0;
  // CLOCK_BOOTTIME: never goes back, counts while the host sleeps, starts at the boot.
  virtual absl::Duration Boot() const = 0;

  // The kernel's clocks. Lives for ever.
  static const Clock* Real();
};

}  // namespace muster

#endif  // MUSTER_COMMON_BASE_CLOCK_H_
