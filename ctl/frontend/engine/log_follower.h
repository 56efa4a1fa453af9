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
// file. Bytes come at once, also those of a line that is not finished (a debugger's prompt), in
// turns, so that a file that grows faster than it is read does not hold the loop. A file that was
// truncated is read again from its start; what is no file with an end (a pipe, a terminal) is not
// read at all. On the loop's thread.
class LogFollower {
 public:
  using OnBytes = std::function<void(absl::string_view bytes)>;
  using Gate = std::function<bool()>;

  static absl::StatusOr<std::unique_ptr<LogFollower>> Create(EventLoop* loop);
  virtual ~LogFollower() = default;

  // Asked before each piece (16 KiB at most) whether whoever gets the bytes takes more now: while
  // it does not, they stay in the files and it is asked again, also behind the last piece. Without
  // a gate all is read as it comes.
  virtual void set_gate(Gate gate) = 0;
  // From byte `offset` of an existing file on.
  virtual absl::Status Follow(const std::string& path, int64_t offset, OnBytes on_bytes) = 0;
  // No more bytes are expected of the files so far: each is closed once it was read to its end.
  virtual void Retire() = 0;
  // Reads what is there now of all files, as far as the gate lets it; the rest comes later.
  virtual void Look() = 0;
  // Reads what is there now of all files, whatever the gate says: after the writers' ends nothing
  // is left unread.
  virtual void Drain() = 0;
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_ENGINE_LOG_FOLLOWER_H_
