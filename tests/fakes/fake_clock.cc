#include "tests/fakes/fake_clock.h"

namespace muster {

absl::Time FakeClock::Wall() const {
  const MutexLock lock(&mutex_);
  return wall_;
}

absl::Duration FakeClock::Boot() const {
  const MutexLock lock(&mutex_);
  return boot_;
}

void FakeClock::Advance(absl::Duration duration) {
  const MutexLock lock(&mutex_);
  wall_ += duration;
  boot_ += duration;
}

void FakeClock::JumpWall(absl::Duration duration) {
  const MutexLock lock(&mutex_);
  wall_ += duration;
}

}  // namespace muster
