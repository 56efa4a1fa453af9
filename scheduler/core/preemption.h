// Whom to stop so that a job of higher priority has room.
#ifndef MUSTER_SCHEDULER_CORE_PREEMPTION_H_
#define MUSTER_SCHEDULER_CORE_PREEMPTION_H_

#include <functional>
#include <vector>

#include "scheduler/core/running_gang.h"

namespace muster {

// Whether the waiting job may have `gang` stopped: one that allows it and has a lower priority, or
// that started past a waiting job and stands behind this one in the queue.
bool MayStop(const RunningGang& gang, int priority, int64_t submit_ns, const std::string& job_id);

// The gangs of `candidates` to stop so that `fits` says yes, asked with those that are gone: as few
// as can be found, among equals those of the lowest priority, then the youngest. None of them
// could be spared. Empty: not even without all of them. `fits` must not say no to more after it
// said yes to less. Pure; asks about (1 + victims) × log2(candidates) times, and 64 times more when
// several victims are needed.
std::vector<const RunningGang*> ChooseVictims(
    std::vector<const RunningGang*> candidates,
    const std::function<bool(const std::vector<const RunningGang*>& gone)>& fits);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_PREEMPTION_H_
