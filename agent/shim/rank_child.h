// The new process between clone3 and execve. It shares the shim's memory (vfork semantics), so that
// everything it needs is made before, and it calls async-signal-safe functions only.
#ifndef MUSTER_AGENT_SHIM_RANK_CHILD_H_
#define MUSTER_AGENT_SHIM_RANK_CHILD_H_

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "agent/shim/exit_journal.h"

namespace muster {

// The shim keeps these descriptors free for the ranks' output, and its own above them: one
// close_range() at the child's start drops them all, the gang's lock first.
inline constexpr int kOutSlot = 3;
inline constexpr int kErrSlot = 4;
inline constexpr int kFirstOwnFd = 5;

// Where the child says what went wrong; shared memory also without CLONE_VM.
struct ChildReport {
  volatile bool began;  // It has run: nobody killed it at its birth.
  volatile StartStep step;
  volatile int error;
  volatile int detail;
};

struct ChildArgs {
  ChildReport* report = nullptr;
  bool shared_files = false;              // CLONE_FILES: unshare before touching any descriptor.
  unsigned max_fd = 0;                    // Without close_range(): close up to here.
  std::vector<const char*> cgroup_files;  // cgroup.procs to join.
  bool tty = false;
  const unsigned long* cpu_mask = nullptr;
  size_t cpu_mask_size = 0;
  std::vector<std::pair<int, rlimit>> limits;
  mode_t umask = 022;
  std::vector<int> ignored_signals;  // By the shim: all others have their default after execve.
  const char* workdir = nullptr;     // Null: stay.
  const char* stdin_path = nullptr;
  std::vector<const char*> programs;  // What to try, in the order of PATH.
  char* const* argv = nullptr;
  char* const* env = nullptr;
};

// Becomes the rank. Returns only when it could not, with the reason in the report.
int RunRankChild(void* args);

}  // namespace muster

#endif  // MUSTER_AGENT_SHIM_RANK_CHILD_H_
