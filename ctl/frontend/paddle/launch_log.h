#ifndef MUSTER_CTL_FRONTEND_PADDLE_LAUNCH_LOG_H_
#define MUSTER_CTL_FRONTEND_PADDLE_LAUNCH_LOG_H_

#include <string>

#include "absl/strings/string_view.h"
#include "common/base/clock.h"
#include "ctl/view/output.h"

namespace muster {

// Paddle's launch log: "LAUNCH INFO 2026-11-21 02:01:20,399 message" on stderr, in local time.
// Python's levels. Never waits for a reader that stands still; what it has not taken goes out with
// the next line, or at the end. On one thread.
class LaunchLog {
 public:
  // `level` as --log_level, in capitals. `interrupt_fd` as Output's. `clock` must outlive this
  // object.
  explicit LaunchLog(const std::string& level, int interrupt_fd = -1,
                     const Clock* clock = Clock::Real());

  void Debug(absl::string_view message) { Write(10, "DEBUG", message); }
  void Info(absl::string_view message) { Write(20, "INFO", message); }
  void Warning(absl::string_view message) { Write(30, "WARNING", message); }
  void Error(absl::string_view message) { Write(40, "ERROR", message); }

  Output* output() { return &out_; }

 private:
  void Write(int level, absl::string_view name, absl::string_view message);

  const int level_;
  const Clock* const clock_;
  Output out_;
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_LAUNCH_LOG_H_
