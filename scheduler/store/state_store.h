#ifndef MUSTER_SCHEDULER_STORE_STATE_STORE_H_
#define MUSTER_SCHEDULER_STORE_STATE_STORE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "muster/v1/job.pb.h"

namespace muster {

// Why the current attempt of a job is being ended. Stored as its number: never renumber.
enum class StopCause {
  kNone = 0,
  kRankFailed = 1,
  kSucceeded = 2,  // SuccessPolicy.clean_up: stop.
  kCancelled = 3,
  kStartTimeout = 4,
  kRunTimeout = 5,
  kStartFailed = 6,  // An agent could not start its part.
  kHostLost = 7,     // A host was cut off for so long that its ranks are gone.
  kDrained = 8,      // A host is being emptied.
  kPreempted = 9,    // A job of higher priority needs the room.
  kResized = 10,     // The gang goes on with more or fewer hosts.
};

// What an operator has ordered of a node; nothing is kept of nodes without orders.
struct NodeRecord {
  std::string node_id;
  bool cordoned = false;
  bool draining = false;  // Then `cordoned` as well.
  std::string reason;     // One line for people.
};

// A job as it is stored: what users see, and what only the scheduler needs to go on after its
// death.
struct JobRecord {
  v1::Job job;
  StopCause stop_cause = StopCause::kNone;  // Of the current attempt.
  std::string stop_reason;                  // One line for people, with `stop_cause`.
};

// Which job a submit's request id has made.
struct RequestRecord {
  std::string request_id;
  std::string job_id;
  absl::Time made;
};

// Changes that become durable together, or not at all.
struct StateBatch {
  std::vector<JobRecord> put_jobs;
  std::vector<std::string> remove_jobs;
  std::vector<RequestRecord> put_requests;
  // One that is neither cordoned nor draining is removed.
  std::vector<NodeRecord> put_nodes;
  // Request ids made before this are removed.
  absl::Time forget_requests_before = absl::InfinitePast();
  // On a full disk: answered at once with RESOURCE_EXHAUSTED and dropped, in place of waiting for
  // space; likewise with UNAVAILABLE while a store over the network does not answer. For new work,
  // which somebody can try again.
  bool refuse_when_full = false;

  bool empty() const {
    return put_jobs.empty() && remove_jobs.empty() && put_requests.empty() && put_nodes.empty() &&
           forget_requests_before == absl::InfinitePast();
  }
};

struct StoredState {
  int64_t epoch = 0;  // Of this load: higher than any before.
  std::vector<JobRecord> jobs;
  std::vector<RequestRecord> requests;
  std::vector<NodeRecord> nodes;
};

// Where the scheduler's state outlives the scheduler. Lives on the loop.
//
// A commit that fails for any other reason than a full disk is fatal: what the disk holds is no
// longer known, a second try may succeed without being durable, so the store says so and ends the
// process; the next start recovers from what is really there. A store over the network waits for it
// to come back, and its failure ends the scheduler's term in place of the process.
class StateStore {
 public:
  using Done = std::function<void(const absl::Status&)>;

  virtual ~StateStore() = default;

  // All that is stored. Raises the epoch durably before it returns. Blocks: call it once, before
  // the loop serves anybody. DATA_LOSS names a damaged file.
  virtual absl::StatusOr<StoredState> Load() = 0;

  // Makes `batch` durable; batches take effect in order. `done` is called on the loop, in order,
  // after that: OK, or, with refuse_when_full, RESOURCE_EXHAUSTED or UNAVAILABLE. All commits of
  // one turn of the loop share one fsync, which is never on the loop. An empty batch is a barrier:
  // its `done` comes when all earlier ones have been answered, without an fsync of its own.
  virtual void Commit(StateBatch batch, Done done) = 0;

  // OK, or the line that says that the disk is full, or the store away: commits wait, and new work
  // is refused.
  virtual absl::Status Full() const = 0;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_STORE_STATE_STORE_H_
