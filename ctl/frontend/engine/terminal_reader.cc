#include "ctl/frontend/engine/terminal_reader.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/fs.h"
#include "common/base/status.h"

namespace muster {
namespace {

// The descriptor that a thread blocks on to read it: "0 0x3 0x7ffc… …" of
// /proc/PID/task/TID/syscall.
std::optional<int> BlockedOn(const std::string& syscall) {
  long number = -1;
  unsigned long fd = 0;
  if (sscanf(syscall.c_str(), "%ld %lx", &number, &fd) != 2) return std::nullopt;  // "running"
  // readline, which input() uses where stdout is a terminal too: select(2) of stdin alone.
  if (number == SYS_pselect6 && fd == STDIN_FILENO + 1) return STDIN_FILENO;
  if (number != SYS_read) return std::nullopt;
  return static_cast<int>(fd);
}

unsigned long Switches(const std::string& task) {
  const absl::StatusOr<std::string> status = ReadFile(task + "/status");
  if (!status.ok()) return 0;
  for (absl::string_view line : absl::StrSplit(*status, '\n')) {
    unsigned long count = 0;
    if (absl::ConsumePrefix(&line, "voluntary_ctxt_switches:") && absl::SimpleAtoi(line, &count)) {
      return count;
    }
  }
  return 0;
}

}  // namespace

TerminalWaiters FindTerminalWaiters(const std::vector<pid_t>& processes, dev_t terminal) {
  TerminalWaiters found;
  for (const pid_t pid : processes) {
    const std::string process = absl::StrCat("/proc/", pid);
    const absl::StatusOr<std::vector<std::string>> threads = ListDir(process + "/task");
    if (!threads.ok()) continue;  // It has ended.
    for (const std::string& thread : *threads) {
      const std::string task = absl::StrCat(process, "/task/", thread);
      const absl::StatusOr<std::string> syscall = ReadFile(task + "/syscall");
      if (!syscall.ok()) {
        found.unknown = found.unknown || PathExists(task);
        continue;
      }
      const std::optional<int> fd = BlockedOn(*syscall);
      struct stat file;
      if (!fd || stat(absl::StrCat(process, "/fd/", *fd).c_str(), &file) != 0) continue;
      if (!S_ISCHR(file.st_mode) || file.st_rdev != terminal) continue;
      TerminalWaiter waiter;
      if (!absl::SimpleAtoi(thread, &waiter.thread)) continue;
      waiter.switches = Switches(task);
      found.waiters.push_back(waiter);
    }
  }
  return found;
}

}  // namespace muster
