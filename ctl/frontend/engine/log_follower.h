#ifndef MUSTER_CTL_FRONTEND_ENGINE_LOG_FOLLOWER_H_
#define MUSTER_CTL_FRONTEND_ENGINE_LOG_FOLLOWER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/event_loop.h"

namespace muster {

// Reads files as they grow, woken by the kernel (inotify): `tail -f` without a process for each
// file. Bytes come at once, also those of a line that is not finished (a debugger's prompt). A file
// that was truncated is read again from its start. On the loop's thread.
class LogFollower {
 public:
  using OnBytes = std::function<void(absl::string_view bytes)>;

  static absl::StatusOr<std::unique_ptr<LogFollower>> Create(EventLoop* loop);
  virtual ~LogFollower() = default;

  // From byte `offset` of an existing file on.
  virtual absl::Status Follow(const std::string& path, int64_t offset, OnBytes on_bytes) = 0;
  // Reads what is there now of all files: after the writers' ends nothing is left unread.
  virtual void Drain() = 0;
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_ENGINE_LOG_FOLLOWER_H_
