#include "ctl/frontend/engine/process_table.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>

#include "common/base/unique_fd.h"

namespace muster {
namespace {

std::optional<ProcessEntry> ReadEntry(int proc_fd, const char* name) {
  char path[64];
  snprintf(path, sizeof(path), "%s/stat", name);
  const UniqueFd fd(openat(proc_fd, path, O_RDONLY | O_CLOEXEC));
  char text[512];
  const ssize_t n = fd.valid() ? read(fd.get(), text, sizeof(text) - 1) : -1;
  if (n <= 0) return std::nullopt;  // It has ended.
  text[n] = '\0';
  // "PID (NAME) STATE PPID PGRP SESSION …": a name may have any character, also ')'.
  const char* const end = strrchr(text, ')');
  ProcessEntry entry;
  char state = 0;
  int group = 0;
  if (end == nullptr ||
      sscanf(end + 1, " %c %d %d %d", &state, &entry.parent, &group, &entry.session) != 4) {
    return std::nullopt;
  }
  entry.pid = static_cast<pid_t>(atoi(name));
  entry.zombie = state == 'Z' || state == 'X';
  return entry;
}

}  // namespace

std::vector<ProcessEntry> ReadProcessTable() {
  std::vector<ProcessEntry> table;
  DIR* const proc = opendir("/proc");
  if (proc == nullptr) return table;
  while (const dirent* const item = readdir(proc)) {
    if (item->d_name[0] < '1' || item->d_name[0] > '9') continue;
    if (const auto entry = ReadEntry(dirfd(proc), item->d_name)) table.push_back(*entry);
  }
  closedir(proc);
  return table;
}

std::vector<pid_t> DescendantsOf(const std::vector<ProcessEntry>& table,
                                 const std::set<pid_t>& roots) {
  std::multimap<pid_t, pid_t> children;
  for (const ProcessEntry& entry : table) children.emplace(entry.parent, entry.pid);
  std::vector<pid_t> found(roots.begin(), roots.end());
  std::set<pid_t> seen = roots;
  for (size_t i = 0; i < found.size(); ++i) {
    const auto [first, last] = children.equal_range(found[i]);
    for (auto it = first; it != last; ++it) {
      if (seen.insert(it->second).second) found.push_back(it->second);
    }
  }
  found.erase(found.begin(), found.begin() + static_cast<ptrdiff_t>(roots.size()));
  return found;
}

std::vector<pid_t> MembersOf(const std::vector<ProcessEntry>& table,
                             const std::set<pid_t>& sessions) {
  std::vector<pid_t> members;
  for (const ProcessEntry& entry : table) {
    if (sessions.count(entry.session) > 0) members.push_back(entry.pid);
  }
  return members;
}

}  // namespace muster
