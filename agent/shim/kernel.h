// System calls and small readers that Debian 12's C library has no wrapper for. Errors are errno.
#ifndef MUSTER_AGENT_SHIM_KERNEL_H_
#define MUSTER_AGENT_SHIM_KERNEL_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace muster {

int64_t BootNs();  // CLOCK_BOOTTIME.
int64_t WallNs();  // CLOCK_REALTIME, since 1970.

int PidfdOpen(pid_t pid);
// To the process, or to its whole process group when it leads one and the kernel is >= 6.9.
int PidfdSignal(int pidfd, int signal);
int PidfdSignalGroup(int pidfd, int signal);
// The wait status of a process that is not our child, once somebody has reaped it (Linux >= 6.15,
// PIDFD_GET_INFO with PIDFD_INFO_EXIT). False: not yet, or this kernel cannot tell.
bool PidfdExitStatus(int pidfd, int* status);
// The wait status of a process that is not our child, is dead, and was not reaped yet: its parent
// stands still. False: it was reaped, or /proc does not show it to us.
bool ZombieExitStatus(pid_t pid, int pidfd, int* status);
// Whether this kernel can ever answer PidfdExitStatus().
bool PidfdTellsExits();

int CloseRange(unsigned first, unsigned last, unsigned flags);

// Writes all of it at `offset`; false with errno otherwise.
bool WriteAt(int fd, const void* data, size_t size, int64_t offset);
// A file of /proc or a cgroup; false with errno when it cannot be read.
bool ReadWhole(const std::string& path, std::string* text);
// The number after "`key` " at the start of a line, or -1.
int64_t NumberAfter(const std::string& text, const std::string& key);
// mkdir -p; false with errno.
bool MakeParents(const std::string& path, mode_t mode);

}  // namespace muster

#endif  // MUSTER_AGENT_SHIM_KERNEL_H_
