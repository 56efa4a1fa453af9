#ifndef MUSTER_CTL_FRONTEND_ENGINE_LAUNCHER_GUARD_H_
#define MUSTER_CTL_FRONTEND_ENGINE_LAUNCHER_GUARD_H_

#include <sys/types.h>

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "common/base/unique_fd.h"

namespace muster {

// A small process that sees to it that ranks do not outlive their launcher: it waits at a pipe, and
// when the launcher is gone without a word (SIGKILL) it kills what the launcher told it of: whole
// sessions, single processes, and all that descends from them. Forked before there are threads. It
// is no child that wait(2) speaks of.
class LauncherGuard {
 public:
  static absl::StatusOr<std::unique_ptr<LauncherGuard>> Start();
  // All is well: the guard goes without doing anything.
  ~LauncherGuard();
  LauncherGuard(const LauncherGuard&) = delete;
  LauncherGuard& operator=(const LauncherGuard&) = delete;

  // From now on `pid` is ours; `session`: with all processes of its session.
  void Add(pid_t pid, bool session);
  // Nothing is left of it: its number may be another's from now on.
  void Remove(pid_t pid);

  pid_t pid() const { return pid_; }

 private:
  LauncherGuard(pid_t pid, UniqueFd pipe) : pid_(pid), pipe_(std::move(pipe)) {}

  const pid_t pid_;
  UniqueFd pipe_;  // Nobody else may hold this end.
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_ENGINE_LAUNCHER_GUARD_H_
