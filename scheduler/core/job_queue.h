#ifndef MUSTER_SCHEDULER_CORE_JOB_QUEUE_H_
#define MUSTER_SCHEDULER_CORE_JOB_QUEUE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "scheduler/core/elastic.h"
#include "scheduler/plan/gang_planner.h"

namespace muster {

// The jobs that wait, and who goes next: higher priority first, equal ones by age.
//
// Backfill: a job that does not fit is passed by later ones that do, for they could not be helped
// by waiting either. But not for ever: from `pass_limit` after a job with devices first passed it,
// it claims its own (ClaimFor): no later job gets a device of its kinds on any node that it could
// use, so what becomes free gathers for it. A job that could never fit on the nodes there are
// claims nothing. Ranks without devices pass always. Lives on the loop; decides only.
class JobQueue {
 public:
  struct Options {
    absl::Duration pass_limit = absl::Seconds(60);
    // A pass looks at so many blocked jobs at most, so that a long queue cannot fill the loop.
    int max_blocked = 100;
  };
  struct Item {
    std::string job_id;
    int priority = 0;
    int64_t submit_ns = 0;
    const v1::JobSpec* spec = nullptr;  // Must outlive its place in the queue.
    // On Clock::Boot(): not to be placed before, for it backs off.
    absl::Duration not_before = absl::ZeroDuration();
    const v1::Placement* previous = nullptr;  // Of the last attempt; must outlive it, too.
    StartWait* wait = nullptr;                // Of an elastic gang; must outlive it, too.
    // Nodes that have refused this gang again and again: taken only where it does not fit without.
    std::set<std::string> avoid;
  };
  struct Decision {
    std::string job_id;
    absl::StatusOr<GangPlan> plan;
    // Set: there is room for `plan`, and the gang waits until then for more. Nobody behind it gets
    // that room.
    std::optional<absl::Duration> waits_until;
  };

  explicit JobQueue(const Options& options) : options_(options) {}

  void Add(const Item& item);
  void Remove(const std::string& job_id);
  int size() const { return static_cast<int>(order_.size()); }

  // One pass over the queue, in order. Placed jobs leave the queue; those that could not be placed
  // stay, with the reason. `now` is on Clock::Boot().
  std::vector<Decision> Pass(ClusterView cluster, absl::Duration now);
  // When a job that backs off, or waits for more hosts, may be placed at the earliest; nullopt:
  // none does.
  std::optional<absl::Duration> NextWake(absl::Duration now) const;
  // The jobs that wait with `priority` or a higher one, those first that go first. Valid until the
  // next change.
  std::vector<const v1::JobSpec*> WaitingFrom(int priority) const;

 private:
  struct Key {
    int priority;
    int64_t submit_ns;
    std::string job_id;
    bool operator<(const Key& other) const;
  };
  struct Waiting {
    Item item;
    std::optional<absl::Duration> passed_since;
    std::optional<absl::Duration> waits_until;  // As its last decision.
  };

  static absl::StatusOr<GangPlan> Plan(const Item& item, const ClusterView& cluster);

  const Options options_;
  std::map<Key, Waiting> order_;
  std::map<std::string, Key> keys_;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_JOB_QUEUE_H_
