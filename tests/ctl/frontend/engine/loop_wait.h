#ifndef MUSTER_TESTS_CTL_FRONTEND_ENGINE_LOOP_WAIT_H_
#define MUSTER_TESTS_CTL_FRONTEND_ENGINE_LOOP_WAIT_H_

#include <functional>

#include "absl/time/time.h"
#include "common/base/event_loop.h"

namespace muster {

// Runs `loop` on the calling thread until `condition` holds; false when it did not within 20 s.
inline bool RunUntil(EventLoop* loop, const std::function<bool()>& condition) {
  const absl::Duration deadline = loop->clock()->Boot() + absl::Seconds(20);
  while (!condition()) {
    if (loop->clock()->Boot() > deadline) return false;
    loop->RunDue();
  }
  return true;
}

}  // namespace muster

#endif  // MUSTER_TESTS_CTL_FRONTEND_ENGINE_LOOP_WAIT_H_
