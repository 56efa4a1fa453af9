#ifndef MUSTER_COMMON_BASE_BACKOFF_H_
#define MUSTER_COMMON_BASE_BACKOFF_H_

#include "absl/random/random.h"
#include "absl/time/time.h"

namespace muster {

// Waits between tries: doubles up to a bound, with jitter so that many hosts do not return at once.
// Not thread-safe.
class Backoff {
 public:
  struct Options {
    absl::Duration first = absl::Milliseconds(100);
    absl::Duration max = absl::Seconds(2);
    double jitter = 0.5;  // The wait is cut by up to this share, at random.
  };
  explicit Backoff(const Options& options) : options_(options) {}

  // The wait before the next try.
  absl::Duration Next();
  // After a success.
  void Reset() { next_ = absl::ZeroDuration(); }

 private:
  const Options options_;
  absl::Duration next_ = absl::ZeroDuration();
  absl::BitGen random_;
};

}  // namespace muster

#endif  // MUSTER_COMMON_BASE_BACKOFF_H_
