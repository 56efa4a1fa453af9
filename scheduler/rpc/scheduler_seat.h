#ifndef MUSTER_SCHEDULER_RPC_SCHEDULER_SEAT_H_
#define MUSTER_SCHEDULER_RPC_SCHEDULER_SEAT_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "common/rpc/open_calls.h"
#include "muster/v1/node_service.pb.h"
#include "scheduler/core/scheduler.h"
#include "scheduler/election/pledge_book.h"

namespace muster {

// Where the scheduler sits while this process has its role. The services live as long as the server
// and look here whom to ask; while the seat is empty they answer why. Lives on the loop.
//
// An elected scheduler that etcd does not answer is gone, yet the seat may be in doubt: then nobody
// knows better who leads, and the streams of nodes stay, for their leases alone.
class SchedulerSeat {
 public:
  // Under which an elected scheduler sits here.
  struct Mandate {
    std::function<bool()> may_act;  // Empty: always.
    PledgeBook* pledges = nullptr;  // Null: it needs none.
  };

  // `calls` are those that last as long as the scheduler, and must outlive this object. The seat is
  // empty at first.
  explicit SchedulerSeat(OpenCalls* calls);

  // `scheduler` answers from now on, whenever the mandate says so.
  void Take(Scheduler* scheduler, Mandate mandate);
  void Take(Scheduler* scheduler) { Take(scheduler, Mandate()); }
  // The scheduler is about to end, the seat is in doubt until Vacate(): calls end as there, those
  // of nodes do not, and their leases are renewed whenever `may_renew` says so.
  void Doubt(const absl::Status& why, std::function<bool()> may_renew);
  // Ends every call that depends on the scheduler with `why`, and refuses further ones with it.
  // Call it before the scheduler's end, and again whenever there is a better reason.
  void Vacate(const absl::Status& why);
  // The process is going down: as Vacate(), but who waits for one answer may still get it, for the
  // scheduler stays to the end.
  void Close(const absl::Status& why);

  // Null: nobody sits here, or may not act just now; absence() says why.
  Scheduler* scheduler() const;
  const absl::Status& absence() const { return absence_; }
  // The same, whether it may act or not.
  Scheduler* sitting() const { return scheduler_; }
  // Whether leases of nodes may be renewed just now.
  bool may_renew() const;
  // What the nodes of this seat were last welcomed with; nullopt: there was none.
  const std::optional<v1::NodeWelcome>& last_welcome() const { return last_welcome_; }
  void SetLastWelcome(const v1::NodeWelcome& welcome) { last_welcome_ = welcome; }
  // Null: nobody has to pledge himself.
  PledgeBook* pledges() const { return mandate_.pledges; }
  OpenCalls* calls() const { return calls_; }
  OpenCalls* answers() { return &answers_; }  // Calls that wait for one answer.
  OpenCalls* nodes() { return &nodes_; }      // Streams of nodes.

 private:
  OpenCalls* const calls_;
  OpenCalls answers_;
  OpenCalls nodes_;
  Scheduler* scheduler_ = nullptr;
  Mandate mandate_;
  std::function<bool()> may_renew_;  // In doubt.
  std::optional<v1::NodeWelcome> last_welcome_;
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
