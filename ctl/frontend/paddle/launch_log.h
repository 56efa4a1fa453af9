#ifndef MUSTER_CTL_FRONTEND_PADDLE_LAUNCH_LOG_H_
#define MUSTER_CTL_FRONTEND_PADDLE_LAUNCH_LOG_H_

#include <cstdio>
#include <string>

#include "absl/strings/string_view.h"
#include "common/base/clock.h"

namespace muster {

// Paddle's launch log: "LAUNCH INFO 2026-11-21 02:01:20,399 message" on stderr, in local time.
// Python's levels. On one thread.
class LaunchLog {
 public:
  // `level` as --log_level, in capitals. `clock` and `out` must outlive this object.
  explicit LaunchLog(const std::string& level, const Clock* clock = Clock::Real(),
                     FILE* out = stderr);

  void Debug(absl::string_view message) { Write(10, "DEBUG", message); }
  void Info(absl::string_view message) { Write(20, "INFO", message); }
  void Warning(absl::string_view message) { Write(30, "WARNING", message); }
  void Error(absl::string_view message) { Write(40, "ERROR", message); }

 private:
  void Write(int level, absl::string_view name, absl::string_view message);

  const int level_;
  const Clock* const clock_;
  FILE* const out_;
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_LAUNCH_LOG_H_
