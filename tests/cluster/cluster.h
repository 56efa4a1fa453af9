#ifndef MUSTER_TESTS_CLUSTER_CLUSTER_H_
#define MUSTER_TESTS_CLUSTER_CLUSTER_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/event_loop.h"
#include "scheduler/core/scheduler.h"
#include "scheduler/store/memory_store.h"
#include "tests/fakes/fake_agent.h"
#include "tests/fakes/fake_clock.h"

namespace muster {

// A whole cluster on one loop in fake time: the real scheduler, a store in memory, agents without
// processes. Nothing moves until Settle() or Advance().
class Cluster {
 public:
  Cluster();
  ~Cluster();

  FakeAgent* AddNode(const std::string& name, int devices);  // Connected.
  // The same with an agent that keeps its lease, on a host in `rack`.
  FakeAgent* AddFencedNode(const std::string& name, int devices, const std::string& rack = "");
  // Gives an order; the test ends when it is refused.
  v1::Node Order(NodeOrder::Kind kind, const std::string& node, bool now = false);
  FakeAgent* node(const std::string& name) { return nodes_.at(name).get(); }
  Scheduler* scheduler() { return scheduler_.get(); }
  // Of the next scheduler: RestartScheduler().
  Scheduler::Options* options() { return &options_; }
  MemoryStore* store() { return &store_; }
  EventLoop* loop() { return &loop_; }
  FakeClock* clock() { return &clock_; }

  // Runs all that is due.
  void Settle();
  // Lets time pass, with the heartbeats of the connected agents.
  void Advance(absl::Duration duration);
  // The scheduler dies without a word and another begins on the same store. Agents lose their
  // streams; with `reconnect` they come back at once.
  void RestartScheduler(bool reconnect);

  // Submits and settles; the test ends when it is refused.
  std::string Submit(const v1::JobSpec& spec, const std::string& request_id = "");
  absl::StatusOr<v1::Job> TrySubmit(const v1::JobSpec& spec, const std::string& request_id);
  absl::StatusOr<v1::Job> Cancel(const std::string& id);
  v1::Job Get(const std::string& id);
  v1::JobState State(const std::string& id) { return Get(id).status().state(); }

 private:
  void MakeScheduler();

  Scheduler::Options options_;
  FakeClock clock_;
  EventLoop loop_;
  MemoryStore store_;
  std::map<std::string, std::unique_ptr<FakeAgent>> nodes_;
  std::unique_ptr<Scheduler> scheduler_;
  int requests_ = 0;
};

// After what silence the host of AddFencedNode() has surely stopped its ranks.
extern const absl::Duration kFencedAfter;

// One rank per node and device, all from the worker role.
v1::JobSpec MakeSpec(int nodes, int ranks_per_node, int devices_per_rank = 1);
// One rank per node, and that may start again.
v1::JobSpec MakeRestartingSpec(int nodes, int max_restarts);

}  // namespace muster

#endif  // MUSTER_TESTS_CLUSTER_CLUSTER_H_
