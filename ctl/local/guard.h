#ifndef MUSTER_CTL_LOCAL_GUARD_H_
#define MUSTER_CTL_LOCAL_GUARD_H_

#include <sys/types.h>

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "agent/task/gangs.h"
#include "common/base/unique_fd.h"

namespace muster {

// A small process that sees to it that a local run does not outlive msctl: it waits at a pipe, and
// when msctl is gone without a word (SIGKILL) it takes the run's gangs over, as an agent does after
// a crash, stops them and removes the state directory. Forked before there are threads.
class Guard {
 public:
  // Forks it. `options` are those of the engine to come.
  static absl::StatusOr<std::unique_ptr<Guard>> Start(const Gangs::Options& options);
  // All is well: the guard goes without doing anything.
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

 private:
  Guard(pid_t pid, UniqueFd pipe) : pid_(pid), pipe_(std::move(pipe)) {}

  const pid_t pid_;
  UniqueFd pipe_;  // Nobody else may hold this end.
};

// What the guard does: stops every gang below options.state_dir, waits for their ends, and removes
// the directory. Blocks.
void StopAllGangs(const Gangs::Options& options);

}  // namespace muster

#endif  // MUSTER_CTL_LOCAL_GUARD_H_
