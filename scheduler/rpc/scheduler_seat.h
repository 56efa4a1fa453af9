#ifndef MUSTER_SCHEDULER_RPC_SCHEDULER_SEAT_H_
#define MUSTER_SCHEDULER_RPC_SCHEDULER_SEAT_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "common/rpc/open_calls.h"
#include "scheduler/core/scheduler.h"

namespace muster {

// Where the scheduler sits while this process has its role. The services live as long as the server
// and look here whom to ask; while the seat is empty they answer why. Lives on the loop.
class SchedulerSeat {
 public:
  // `calls` are those that last as long as the scheduler, and must outlive this object. The seat is
  // empty at first.
  explicit SchedulerSeat(OpenCalls* calls);

  // `scheduler` answers from now on, whenever `may_act` says so; empty: always.
  void Take(Scheduler* scheduler, std::function<bool()> may_act = nullptr);
  // Ends every call that depends on the scheduler with `why`, and refuses further ones with it.
  // Call it before the scheduler's end, and again whenever there is a better reason.
  void Vacate(const absl::Status& why);
  // The process is going down: as Vacate(), but who waits for one answer may still get it, for the
  // scheduler stays to the end.
  void Close(const absl::Status& why);

  // Null: nobody sits here, or may not act just now; absence() says why.
  Scheduler* scheduler() const;
  const absl::Status& absence() const { return absence_; }
  OpenCalls* calls() const { return calls_; }
  OpenCalls* answers() { return &answers_; }  // Calls that wait for one answer.

 private:
  OpenCalls* const calls_;
  OpenCalls answers_;
  Scheduler* scheduler_ = nullptr;
  std::function<bool()> may_act_;
  absl::Status absence_;
};

// ErrorDetail.reason of the answers of an agent that does not have the scheduler role.
inline constexpr char kNotTheSchedulerReason[] = "NOT_THE_SCHEDULER";

// UNAVAILABLE: the scheduler is at `address`. Whoever gets it asks there, and need not wait.
absl::Status SchedulerIsElsewhere(const std::string& address);
// UNAVAILABLE: there is no scheduler now, because of `cause`. Whoever gets it tries again later.
absl::Status NoScheduler(absl::string_view cause);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_RPC_SCHEDULER_SEAT_H_
