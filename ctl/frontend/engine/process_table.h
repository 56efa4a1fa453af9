#ifndef MUSTER_CTL_FRONTEND_ENGINE_PROCESS_TABLE_H_
#define MUSTER_CTL_FRONTEND_ENGINE_PROCESS_TABLE_H_

#include <sys/types.h>

#include <set>
#include <vector>

namespace muster {

// One process of the host as it was a moment ago.
struct ProcessEntry {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t session = 0;
  bool zombie = false;
};

// All processes, from /proc/PID/stat. (/proc/PID/task/TID/children would be less to read, but many
// kernels are built without it.)
std::vector<ProcessEntry> ReadProcessTable();

// Those of `table` that are below one of `roots` by parenthood; without the roots themselves.
std::vector<pid_t> DescendantsOf(const std::vector<ProcessEntry>& table,
                                 const std::set<pid_t>& roots);
// Those of `table` in one of `sessions`.
std::vector<pid_t> MembersOf(const std::vector<ProcessEntry>& table,
                             const std::set<pid_t>& sessions);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_ENGINE_PROCESS_TABLE_H_
