// Random clusters, run to their end in simulated time: what passes the head of the queue does not
// delay it.
#include <algorithm>
#include <list>
#include <map>
#include <optional>
#include <random>

#include "absl/strings/str_cat.h"
#include "common/job/job_defaults.h"
#include "gtest/gtest.h"
#include "scheduler/core/job_queue.h"

namespace muster {
namespace {

constexpr absl::Duration kNever = absl::InfiniteDuration();

struct SimJob {
  std::string id;
  v1::JobSpec spec;
  absl::Duration length;  // Once it runs.
};

v1::JobSpec MakeSpec(int nodes, int devices) {
  v1::JobSpec spec;
  spec.set_contract("plain");
  spec.add_command("/bin/true");
  spec.mutable_nodes()->set_min(nodes);
  spec.mutable_nodes()->set_max(nodes);
  if (devices > 0) {
    spec.mutable_devices_per_rank()->set_kind("nvidia");
    spec.mutable_devices_per_rank()->set_count(devices);
  }
  FillJobDefaults(&spec);
  return spec;
}

// A cluster on which `before` run from the start; then the queue holds `queued`, in this order.
struct Scenario {
  ClusterView idle;
  std::vector<SimJob> before;
  std::vector<SimJob> queued;  // The first is the head.
};

class Simulation {
 public:
  explicit Simulation(const Scenario& scenario) : scenario_(scenario) {
    for (const SimJob& job : scenario_.before) Queue(job);
    Pass();
    for (const SimJob& job : scenario_.before) queue_.Remove(job.id);
    for (const SimJob& job : scenario_.queued) Queue(job);
  }

  // When the head starts; kNever: not even when all has ended.
  absl::Duration HeadStart() {
    const std::string& head = scenario_.queued[0].id;
    for (;;) {
      while (Pass()) {
      }
      const auto started = starts_.find(head);
      if (started != starts_.end()) return started->second;
      absl::Duration next = kNever;
      for (const auto& [id, end] : ends_) next = std::min(next, end);
      if (next == kNever) return kNever;
      now_ = next;
      for (auto it = ends_.begin(); it != ends_.end();) {
        if (it->second > now_) {
          ++it;
          continue;
        }
        RemoveGang(it->first);
        it = ends_.erase(it);
      }
    }
  }
  int passed() const { return static_cast<int>(starts_.size()); }
  int stopped() const { return stopped_; }

 private:
  void Queue(const SimJob& job) {
    jobs_[job.id] = &job;
    WaitingJob item;
    item.job_id = job.id;
    item.submit_ns = ++age_;
    ages_[job.id] = age_;
    item.spec = &job.spec;
    queue_.Add(item);
  }
  void RemoveGang(const std::string& id) {
    gangs_.erase(std::find_if(gangs_.begin(), gangs_.end(),
                              [&id](const RunningGang& gang) { return gang.job_id == id; }));
  }
  // Returns whether it is to be repeated at once: somebody was stopped.
  bool Pass() {
    QueueScene scene;
    scene.idle = &scenario_.idle;
    scene.gangs = &gangs_;
    scene.now = now_;
    std::vector<std::string> victims;
    for (const QueueDecision& decision : queue_.Pass(scene)) {
      victims.insert(victims.end(), decision.victims.begin(), decision.victims.end());
      if (!decision.plan.ok()) continue;
      const SimJob& job = *jobs_.at(decision.job_id);
      placements_.push_back(decision.plan->placement);
      RunningGang gang;
      gang.job_id = job.id;
      gang.submit_ns = ages_[job.id];
      gang.start_ns = absl::ToInt64Nanoseconds(now_);
      gang.placement = &placements_.back();
      gang.may_be_stopped = job.spec.preemptible();
      gang.has_passed = decision.has_passed;
      gang.ends_by = LatestEnd(job.spec, now_);
      gangs_.push_back(gang);
      starts_[job.id] = now_;
      ends_[job.id] = now_ + job.length;
    }
    for (const std::string& victim : victims) {  // At once, and for good.
      ++stopped_;
      RemoveGang(victim);
      ends_.erase(victim);
    }
    return !victims.empty();
  }

  const Scenario& scenario_;
  absl::Duration now_ = absl::Hours(1);
  JobQueue queue_{JobQueue::Options()};
  std::map<std::string, const SimJob*> jobs_;
  std::map<std::string, int64_t> ages_;
  std::vector<RunningGang> gangs_;
  std::list<v1::Placement> placements_;
  std::map<std::string, absl::Duration> starts_;
  std::map<std::string, absl::Duration> ends_;
  int64_t age_ = 0;
  int stopped_ = 0;
};

class RandomScenario {
 public:
  explicit RandomScenario(uint32_t seed) : random_(seed) {}

  int Draw(int low, int high) {
    return low + static_cast<int>(random_() % static_cast<uint32_t>(high - low + 1));
  }
  // With `limits`, half of the jobs have timeouts.run, and end by it or before.
  Scenario Make(bool limits) {
    Scenario scenario;
    const int nodes = Draw(1, 4);
    for (int i = 0; i < nodes; ++i) {
      NodeView node;
      node.id = node.name = absl::StrCat("n", i);
      node.state = v1::NODE_STATE_READY;
      for (int d = Draw(1, 8); d > 0; --d) node.devices.push_back({"nvidia", d, -1, true, false});
      scenario.idle.nodes.push_back(node);
    }
    for (int i = Draw(1, 6); i > 0; --i) {
      scenario.before.push_back(MakeJob(absl::StrCat("before-", i), Draw(1, 2), limits));
    }
    scenario.queued.push_back(MakeJob("head", Draw(1, nodes), limits));
    scenario.queued[0].spec.set_preemptible(false);
    for (int i = Draw(1, 8); i > 0; --i) {
      scenario.queued.push_back(MakeJob(absl::StrCat("after-", i), 1, limits));
    }
    return scenario;
  }

 private:
  SimJob MakeJob(const std::string& id, int nodes, bool limits) {
    SimJob job;
    job.id = id;
    job.spec = MakeSpec(nodes, Draw(0, 5));
    job.length = absl::Seconds(Draw(100, 2000));
    if (limits && Draw(0, 3) > 0) {
      const int64_t limit = absl::ToInt64Seconds(job.length) + Draw(0, 1) * Draw(0, 500);
      job.spec.mutable_timeouts()->mutable_run()->set_seconds(limit);
    }
    job.spec.set_preemptible(Draw(0, 3) == 0);
    return job;
  }

  std::mt19937 random_;
};

Scenario WithoutBackfill(Scenario scenario) {
  scenario.queued.resize(1);
  return scenario;
}

// Everything that runs goes on for as long as it may.
Scenario AtItsSlowest(Scenario scenario) {
  for (SimJob& job : scenario.before) {
    job.length = LatestEnd(job.spec, absl::ZeroDuration());
  }
  return scenario;
}

TEST(BackfillPropertyTest, WithoutLimitsOfTimeTheHeadStartsAsIfItWereAlone) {
  int passed = 0;
  int stopped = 0;
  for (uint32_t seed = 1; seed <= 250; ++seed) {
    const Scenario scenario = RandomScenario(seed).Make(/*limits=*/false);
    const Scenario alone = WithoutBackfill(scenario);
    Simulation with(scenario);
    ASSERT_LE(with.HeadStart(), Simulation(alone).HeadStart()) << "seed " << seed;
    passed += with.passed();
    stopped += with.stopped();
  }
  EXPECT_GT(passed, 700);  // It is not that nobody passes.
  EXPECT_GT(stopped, 8);
}

TEST(BackfillPropertyTest, WithLimitsOfTimeTheHeadStartsByTheTimeThatTheyPromise) {
  int earlier = 0;
  for (uint32_t seed = 1; seed <= 250; ++seed) {
    const Scenario scenario = RandomScenario(seed).Make(/*limits=*/true);
    const Scenario slowest = AtItsSlowest(WithoutBackfill(scenario));
    const absl::Duration start = Simulation(scenario).HeadStart();
    const absl::Duration promised = Simulation(slowest).HeadStart();
    ASSERT_LE(start, promised) << "seed " << seed;
    earlier += start < promised ? 1 : 0;
  }
  EXPECT_GT(earlier, 15);
}

}  // namespace
}  // namespace muster
