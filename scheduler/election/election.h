#ifndef MUSTER_SCHEDULER_ELECTION_ELECTION_H_
#define MUSTER_SCHEDULER_ELECTION_ELECTION_H_

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "muster/v1/election.pb.h"

namespace muster {

// Who has the scheduler role, and since which epoch.
struct Leader {
  int64_t epoch = 0;  // 0: not known here; the leader's own store counts it.
  v1::Candidate candidate;
};

// Decides who in the cluster has the scheduler role. Lives on the loop; events come on it, none
// from within Start() and none after the end.
class Election {
 public:
  struct Events {
    // This process has the role now.
    std::function<void(const Leader& self)> on_elected;
    // It has it no longer, and must have stopped to act as one before this returns.
    std::function<void(const absl::Status& why)> on_deposed;
    // Where the scheduler is, after each change; or why nobody knows.
    std::function<void(const absl::StatusOr<Leader>& leader)> on_leader;
  };

  virtual ~Election() = default;

  virtual void Start() = 0;
  // Whether this process has the role and can prove it on its own clock: what it does without is
  // another one's to do.
  virtual bool MayAct() const = 0;
  // This process cannot fill the role: the next one gets it. It stands again later.
  virtual void StepDown(const absl::Status& why) = 0;
  // Leaves for good, so that another one wins at once. on_deposed comes first, if it has the role;
  // then `done`, at the latest after a call's deadline.
  virtual void Resign(std::function<void()> done) = 0;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_ELECTION_ELECTION_H_
