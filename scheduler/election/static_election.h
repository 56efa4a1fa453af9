#ifndef MUSTER_SCHEDULER_ELECTION_STATIC_ELECTION_H_
#define MUSTER_SCHEDULER_ELECTION_STATIC_ELECTION_H_

#include <memory>

#include "common/base/event_loop.h"
#include "scheduler/election/election.h"

namespace muster {

// No election: the operator has named the scheduler, for as long as this process lives. `here`:
// that is this process. `loop` must outlive what is returned.
std::unique_ptr<Election> MakeStaticElection(const v1::Candidate& scheduler, bool here,
                                             EventLoop* loop, Election::Events events);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_ELECTION_STATIC_ELECTION_H_
