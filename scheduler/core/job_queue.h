#ifndef MUSTER_SCHEDULER_CORE_JOB_QUEUE_H_
#define MUSTER_SCHEDULER_CORE_JOB_QUEUE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "scheduler/core/queue_pass.h"

namespace muster {

// The jobs that wait, and who goes next: higher priority first, equal ones by age. What a pass
// decides, and what later jobs may do while an earlier one waits, says QueuePass. Lives on the
// loop; decides only.
class JobQueue {
 public:
  struct Options {
    // A pass looks at so many jobs without room at most, so that a long queue cannot fill the loop.
    // Those over their owner's quota cost little and hold nobody back; of as many it says why.
    int max_blocked = 100;
  };
  using Item = WaitingJob;
  using Decision = QueueDecision;

  explicit JobQueue(const Options& options) : options_(options) {}

  void Add(const Item& item);
  void Remove(const std::string& job_id);
  int size() const { return static_cast<int>(order_.size()); }

  // Of one owner.
  int CountOf(const std::string& owner) const;

  // One pass over the queue, in order. Placed jobs leave the queue; those that could not be placed
  // stay, with the reason.
  std::vector<Decision> Pass(const QueueScene& scene);
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
    std::optional<absl::Duration> waits_until;  // As its last decision.
  };

  const Options options_;
  std::map<Key, Waiting> order_;
  std::map<std::string, Key> keys_;
  std::map<std::string, int> by_owner_;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_JOB_QUEUE_H_
