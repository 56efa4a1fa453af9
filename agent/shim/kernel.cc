#include "agent/shim/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>

#include "common/base/failpoint.h"
#include "common/base/unique_fd.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

namespace muster {
namespace {

// include/uapi/linux/pidfd.h of Linux 6.15, its first 64 bytes.
struct PidfdInfo {
  uint64_t mask;
  uint64_t cgroupid;
  uint32_t pid, tgid, ppid;
  uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64, "the first published size of struct pidfd_info");
constexpr unsigned long kPidfdGetInfo = _IOWR(0xFF, 11, PidfdInfo);
constexpr uint64_t kPidfdInfoExit = 1 << 3;
constexpr unsigned kSignalProcessGroup = 1 << 2;  // PIDFD_SIGNAL_PROCESS_GROUP, Linux 6.9.

int64_t Now(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

}  // namespace

int64_t BootNs() { return Now(CLOCK_BOOTTIME); }
int64_t WallNs() { return Now(CLOCK_REALTIME); }

int PidfdOpen(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

int PidfdSignal(int pidfd, int signal) {
  return static_cast<int>(syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}

int PidfdSignalGroup(int pidfd, int signal) {
  return static_cast<int>(
      syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, kSignalProcessGroup));
}

bool PidfdExitStatus(int pidfd, int* status) {
  PidfdInfo info = {};
  info.mask = kPidfdInfoExit;
  if (Planted("older_kernel")) return false;
  if (ioctl(pidfd, kPidfdGetInfo, &info) != 0 || (info.mask & kPidfdInfoExit) == 0) return false;
  *status = info.exit_code;
  return true;
}

bool ZombieExitStatus(pid_t pid, int pidfd, int* status) {
  std::string stat;
  if (!ReadWhole("/proc/" + std::to_string(pid) + "/stat", &stat)) return false;
  // "PID (NAME) STATE …"; the name may have anything in it. The last of the fields is exit_code.
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos || stat.compare(name_end, 4, ") Z ") != 0) return false;
  while (!stat.empty() && stat.back() == '\n') stat.pop_back();
  const size_t last = stat.rfind(' ');
  if (PidfdSignal(pidfd, 0) != 0) return false;  // Else it was that process all the time.
  char* end = nullptr;
  const long code = strtol(stat.c_str() + last + 1, &end, 10);  // NOLINT: as strtol() has it.
  if (*end != '\0') return false;
  *status = static_cast<int>(code);
  return true;
}

bool PidfdTellsExits() {
  static const bool tells = [] {
    UniqueFd self(PidfdOpen(getpid()));
    PidfdInfo info = {};
    info.mask = kPidfdInfoExit;
    // Kernels from 6.13 know the ioctl, the exit bit came with 6.15: only trying tells them apart,
    // and an answer that never comes is UNKNOWN after the wait all the same.
    return self.valid() && (ioctl(self.get(), kPidfdGetInfo, &info) == 0);
  }();
  return tells;
}

int CloseRange(unsigned first, unsigned last, unsigned flags) {
  return static_cast<int>(syscall(SYS_close_range, first, last, flags));
}

bool WriteAt(int fd, const void* data, size_t size, int64_t offset) {
  const auto* bytes = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t wrote = pwrite(fd, bytes, size, offset);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) {
      if (wrote == 0) errno = EIO;
      return false;
    }
    bytes += wrote;
    size -= static_cast<size_t>(wrote);
    offset += wrote;
  }
  return true;
}

bool ReadWhole(const std::string& path, std::string* text) {
  UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return false;
  text->clear();
  char buffer[4096];
  while (true) {
    const ssize_t got = read(file.get(), buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) return true;
    text->append(buffer, static_cast<size_t>(got));
  }
}

int64_t NumberAfter(const std::string& text, const std::string& key) {
  size_t line = 0;
  while (line < text.size()) {
    if (text.compare(line, key.size(), key) == 0 && text[line + key.size()] == ' ') {
      return strtoll(text.c_str() + line + key.size() + 1, nullptr, 10);
    }
    const size_t end = text.find('\n', line);
    if (end == std::string::npos) break;
    line = end + 1;
  }
  return -1;
}

bool MakeParents(const std::string& path, mode_t mode) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    if (mkdir(parent.c_str(), mode) != 0 && errno != EEXIST) {
      // A parent that we may not write in is fine as long as it is there.
      struct stat status;
      const int error = errno;
      if (stat(parent.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
        errno = error;
        return false;
      }
    }
  }
  return true;
}

}  // namespace muster
