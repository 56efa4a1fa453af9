#include "agent/state_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "common/base/status.h"

namespace muster {

absl::StatusOr<StateLock> StateLock::Take(const std::string& state_dir) {
  const std::string path = JoinPath(state_dir, "lock");
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) return ErrnoStatus(errno, path);
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return ErrnoStatus(errno, absl::StrCat("lock ", path));
    const absl::StatusOr<std::string> pid = ReadFile(path, 64);
    const std::string holder = pid.ok() ? std::string(absl::StripAsciiWhitespace(*pid)) : "";
    return absl::AlreadyExistsError(
        absl::StrCat("state directory ", state_dir, ": another agent",
                     holder.empty() ? "" : absl::StrCat(" (pid ", holder, ")"),
                     " uses it; stop that one, or give --state_dir another directory"));
  }
  // The pid is for people; the lock is the proof. A full disk may keep it out.
  const std::string pid = absl::StrCat(getpid(), "\n");
  if (ftruncate(fd.get(), 0) == 0) {
    const ssize_t ignored = pwrite(fd.get(), pid.data(), pid.size(), 0);
    (void)ignored;
  }
  return StateLock(std::move(fd));
}

}  // namespace muster
