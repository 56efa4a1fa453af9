#ifndef MUSTER_TESTS_FAKES_FAKE_CLOCK_H_
#define MUSTER_TESTS_FAKES_FAKE_CLOCK_H_

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"

namespace muster {

// A clock that stands still until the test moves it. Begins at a wall time of 2026-01-01 and an
// hour after the boot, so that no code takes zero for "never". Thread-safe.
class FakeClock : public Clock {
 public:
  absl::Time Wall() const override;
  absl::Duration Boot() const override;

  // Moves both times.
  void Advance(absl::Duration duration);
  // Moves the time of day alone, as an operator or NTP does.
  void JumpWall(absl::Duration duration);

 private:
  mutable Mutex mutex_;
  absl::Time wall_ ABSL_GUARDED_BY(mutex_) = absl::FromUnixSeconds(1767225600);
  absl::Duration boot_ ABSL_GUARDED_BY(mutex_) = absl::Hours(1);
};

}  // namespace muster

#endif  // MUSTER_TESTS_FAKES_FAKE_CLOCK_H_
