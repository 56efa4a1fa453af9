#include "agent/state_lock.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/fs.h"
#include "common/base/status.h"

namespace muster {
namespace {

constexpr int kPauseMs = 5;

// Who wrote its pid into the lock's file, as text; may be empty.
std::string HolderOf(const std::string& path) {
  const absl::StatusOr<std::string> pid = ReadFile(path, 64);
  return pid.ok() ? std::string(absl::StripAsciiWhitespace(*pid)) : "";
}

// Whether no such process runs; a zombie does not.
bool IsDead(const std::string& pid) {
  int64_t number = 0;
  if (!absl::SimpleAtoi(pid, &number) || number <= 0) return false;
  const absl::StatusOr<std::string> stat = ReadFile(absl::StrCat("/proc/", number, "/stat"), 4096);
  if (!stat.ok()) return absl::IsNotFound(stat.status());
  return absl::StrContains(*stat, ") Z ") || absl::StrContains(*stat, ") X ");
}

}  // namespace

absl::StatusOr<StateLock> StateLock::Take(const std::string& state_dir, absl::Duration patience) {
  const std::string path = JoinPath(state_dir, "lock");
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) return ErrnoStatus(errno, path);
  const absl::Duration until = Clock::Real()->Boot() + patience;
  while (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return ErrnoStatus(errno, absl::StrCat("lock ", path));
    const std::string holder = HolderOf(path);
    if (IsDead(holder) && Clock::Real()->Boot() < until) {
      poll(nullptr, 0, kPauseMs);
      continue;
    }
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
