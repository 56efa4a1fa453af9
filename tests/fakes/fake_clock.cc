#include "tests/fakes/fake_clock.h"

namespace muster {

absl::Time FakeClock::Wall() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return wall_;
}

absl::Duration FakeClock::Boot() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return boot_;
}

void FakeClock::Advance(absl::Duration duration) {
  std::lock_guard<std::mutex> lock(mutex_);
  wall_ += duration;
  boot_ += duration;
}

void FakeClock::JumpWall(absl::Duration duration) {
  std::lock_guard<std::mutex> lock(mutex_);
  wall_ += duration;
}

}  // namespace muster
