#include "scheduler/core/job_queue.h"

#include <list>

#include "common/job/job_defaults.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::JobSpec MakeSpec(int devices, int nodes = 1) {
  v1::JobSpec spec;
  spec.set_name("train");
  spec.set_contract("plain");
  spec.add_command("/bin/true");
  spec.mutable_nodes()->set_min(nodes);
  spec.mutable_nodes()->set_max(nodes);
  spec.set_ranks_per_node(std::max(devices, 1));
  if (devices > 0) {
    spec.mutable_devices_per_rank()->set_kind("nvidia");
    spec.mutable_devices_per_rank()->set_count(1);
  }
  FillJobDefaults(&spec);
  return spec;
}

v1::JobSpec WithLimit(v1::JobSpec spec, int64_t seconds) {
  spec.mutable_timeouts()->mutable_run()->set_seconds(seconds);
  return spec;
}

v1::JobSpec Preemptible(v1::JobSpec spec) {
  spec.set_preemptible(true);
  return spec;
}

// A cluster of nodes "a", "b", …, a queue, and gangs that run until the test ends them.
class JobQueueTest : public ::testing::Test {
 protected:
  void AddNode(int devices) {
    NodeView node;
    node.id = node.name = std::string(1, static_cast<char>('a' + idle_.nodes.size()));
    node.state = v1::NODE_STATE_READY;
    for (int i = 0; i < devices; ++i) node.devices.push_back({"nvidia", i, -1, true, false});
    idle_.nodes.push_back(node);
  }
  void Add(const std::string& id, const v1::JobSpec& spec, int priority = 0,
           absl::Duration not_before = absl::ZeroDuration()) {
    specs_.push_back(spec);
    WaitingJob job;
    job.job_id = id;
    job.priority = priority;
    job.submit_ns = ++age_;
    job.spec = &specs_.back();
    job.not_before = not_before;
    job.owner = "tester";
    queue_.Add(job);
    jobs_[id] = job;
  }
  // Makes it run, on the first place.
  void Run(const std::string& id, const v1::JobSpec& spec, int priority = 0) {
    Add(id, spec, priority);
    ASSERT_THAT(Pass(), ElementsAre(id));
  }
  void End(const std::string& id) {
    gangs_.erase(std::find_if(gangs_.begin(), gangs_.end(),
                              [&id](const RunningGang& gang) { return gang.job_id == id; }));
  }
  RunningGang* Find(const std::string& id) {
    return &*std::find_if(gangs_.begin(), gangs_.end(),
                          [&id](const RunningGang& gang) { return gang.job_id == id; });
  }
  // Names of those that start.
  std::vector<std::string> Pass() {
    QueueScene scene;
    scene.idle = &idle_;
    scene.gangs = &gangs_;
    scene.quota = &quota_;
    scene.now = now_;
    scene.settling = settling_;
    std::vector<std::string> started;
    victims_.clear();
    reasons_.clear();
    for (const QueueDecision& decision : queue_.Pass(scene)) {
      victims_.insert(victims_.end(), decision.victims.begin(), decision.victims.end());
      if (!decision.plan.ok()) {
        reasons_[decision.job_id] = std::string(decision.plan.status().message());
        continue;
      }
      started.push_back(decision.job_id);
      const WaitingJob& job = jobs_.at(decision.job_id);
      placements_.push_back(decision.plan->placement);
      RunningGang gang;
      gang.job_id = job.job_id;
      gang.owner = job.owner;
      gang.priority = job.priority;
      gang.submit_ns = job.submit_ns;
      gang.start_ns = absl::ToInt64Nanoseconds(now_);
      gang.placement = &placements_.back();
      gang.may_be_stopped = job.spec->preemptible();
      gang.has_passed = decision.has_passed;
      gang.ends_by = LatestEnd(*job.spec, now_);
      gangs_.push_back(gang);
    }
    return started;
  }

  absl::Duration now_ = absl::Hours(1);
  bool settling_ = false;
  ClusterView idle_;
  std::vector<RunningGang> gangs_;
  Quota quota_;
  std::list<v1::JobSpec> specs_;
  std::list<v1::Placement> placements_;
  std::map<std::string, WaitingJob> jobs_;
  std::vector<std::string> victims_;
  std::map<std::string, std::string> reasons_;
  JobQueue queue_{JobQueue::Options()};
  int64_t age_ = 0;
};

TEST_F(JobQueueTest, HigherPriorityGoesFirstThenAge) {
  AddNode(2);
  Add("old", MakeSpec(1));
  Add("young", MakeSpec(1));
  Add("urgent", MakeSpec(1), 10);

  EXPECT_THAT(Pass(), ElementsAre("urgent", "old"));
  EXPECT_EQ(queue_.size(), 1);
  EXPECT_EQ(queue_.CountOf("tester"), 1);
}

TEST_F(JobQueueTest, NobodyTakesWhatTheHeadWaitsFor) {
  AddNode(4);
  Run("first", MakeSpec(2));
  Add("big", MakeSpec(4));
  Add("small", MakeSpec(1));
  Add("cpu", MakeSpec(0));

  EXPECT_THAT(Pass(), ElementsAre("cpu"));
  EXPECT_EQ(reasons_.at("small"), "held back for job big, which is ahead of it");
  End("first");
  EXPECT_THAT(Pass(), ElementsAre("big"));
}

TEST_F(JobQueueTest, WhatTheHeadCouldNotUsePasses) {
  AddNode(2);
  AddNode(4);
  Run("first", MakeSpec(3));
  Add("big", MakeSpec(4));
  Add("small", MakeSpec(2));

  EXPECT_THAT(Pass(), ElementsAre("small"));  // On the node that is too small.
  EXPECT_EQ(gangs_.back().placement->nodes(0).node_id(), "a");
}

TEST_F(JobQueueTest, WhatIsLeftOverWhenAGangEndsPasses) {
  AddNode(8);
  Run("first", MakeSpec(5));
  Add("head", MakeSpec(4));
  Add("small", MakeSpec(3));

  EXPECT_THAT(Pass(), ElementsAre("small"));
  End("first");
  EXPECT_THAT(Pass(), ElementsAre("head"));
}

TEST_F(JobQueueTest, AJobThatCanNeverFitClaimsNothing) {
  AddNode(4);
  Run("first", MakeSpec(2));
  Add("huge", MakeSpec(5));
  Add("small", MakeSpec(1));

  EXPECT_THAT(Pass(), ElementsAre("small"));
}

TEST_F(JobQueueTest, AJobWhoseNodesAreLostClaimsNothing) {
  AddNode(4);
  AddNode(4);
  idle_.nodes[1].state = v1::NODE_STATE_LOST;
  Add("two", MakeSpec(4, 2));
  Add("small", MakeSpec(1));

  EXPECT_THAT(Pass(), ElementsAre("small"));
}

TEST_F(JobQueueTest, AfterItsStartTheSchedulerWaitsForTheNodesOfTheFirstJob) {
  AddNode(4);
  settling_ = true;
  Add("two", MakeSpec(4, 2));
  Add("small", MakeSpec(1));

  EXPECT_THAT(Pass(), IsEmpty());
  AddNode(4);
  EXPECT_THAT(Pass(), ElementsAre("two"));
}

TEST_F(JobQueueTest, AJobThatSurelyEndsBeforeTheHeadCanStartPasses) {
  AddNode(4);
  Run("first", WithLimit(MakeSpec(2), 3600));
  now_ += absl::Seconds(600);
  Add("big", MakeSpec(4));
  Add("long", WithLimit(MakeSpec(1), 3100));
  Add("short", WithLimit(MakeSpec(1), 3000));
  Add("unlimited", MakeSpec(1));

  EXPECT_THAT(Pass(), ElementsAre("short"));
  EXPECT_FALSE(gangs_.back().has_passed);
}

TEST_F(JobQueueTest, WithoutLimitsOfWhatRunsNoTimeIsPromised) {
  AddNode(4);
  Run("first", WithLimit(MakeSpec(1), 3600));
  Run("other", MakeSpec(1));
  Add("big", MakeSpec(4));
  Add("short", WithLimit(MakeSpec(1), 60));

  EXPECT_THAT(Pass(), IsEmpty());
}

TEST_F(JobQueueTest, APreemptibleJobPassesAndIsStoppedWhenTheHeadFitsWithoutIt) {
  AddNode(4);
  Run("first", MakeSpec(2));
  Add("big", MakeSpec(4));
  Add("filler", Preemptible(MakeSpec(1)));

  EXPECT_THAT(Pass(), ElementsAre("filler"));
  EXPECT_TRUE(gangs_.back().has_passed);
  EXPECT_THAT(Pass(), IsEmpty());
  EXPECT_THAT(victims_, IsEmpty());
  End("first");
  EXPECT_THAT(Pass(), IsEmpty());
  EXPECT_THAT(victims_, ElementsAre("filler"));
  EXPECT_EQ(reasons_.at("big"), "waits for the end of job filler, which is being stopped");
}

TEST_F(JobQueueTest, HigherPriorityStopsWhatAllowsItAndTheRoomIsKept) {
  AddNode(4);
  Run("low", Preemptible(MakeSpec(4)), 1);
  Add("equal", MakeSpec(2), 1);
  EXPECT_THAT(Pass(), IsEmpty());
  EXPECT_THAT(victims_, IsEmpty());
  Add("urgent", MakeSpec(4), 5);
  EXPECT_THAT(Pass(), IsEmpty());
  EXPECT_THAT(victims_, ElementsAre("low"));

  Find("low")->ends_soon = true;
  Find("low")->preempted = true;
  EXPECT_THAT(Pass(), IsEmpty());
  EXPECT_THAT(victims_, IsEmpty());  // Nobody else.
  End("low");
  EXPECT_THAT(Pass(), ElementsAre("urgent"));
}

TEST_F(JobQueueTest, NobodyIsStoppedForAJobThatWouldNotFitYet) {
  AddNode(4);
  Run("fixed", MakeSpec(1));
  Run("low", Preemptible(MakeSpec(3)));
  Add("urgent", MakeSpec(4), 5);

  EXPECT_THAT(Pass(), IsEmpty());
  EXPECT_THAT(victims_, IsEmpty());
}

TEST_F(JobQueueTest, ThoseForWhomNoStopSufficesKeepNobodyFromHisRoom) {
  AddNode(4);
  Run("low", Preemptible(MakeSpec(4)));
  for (int i = 0; i < 10; ++i) Add("large-" + std::to_string(i), MakeSpec(8), 9);
  Add("urgent", MakeSpec(4), 5);

  EXPECT_THAT(Pass(), IsEmpty());
  EXPECT_THAT(victims_, ElementsAre("low"));
}

TEST_F(JobQueueTest, NobodyIsStoppedWhileNodesAreOnTheirWay) {
  AddNode(4);
  Run("low", Preemptible(MakeSpec(4)));
  settling_ = true;
  Add("urgent", MakeSpec(4), 5);

  EXPECT_THAT(Pass(), IsEmpty());
  EXPECT_THAT(victims_, IsEmpty());
}

TEST_F(JobQueueTest, AVictimThatDoesNotEndIsNotWaitedForForEver) {
  AddNode(2);
  AddNode(2);
  Run("stuck", Preemptible(MakeSpec(2)));
  Run("low", Preemptible(MakeSpec(2)));
  Find("stuck")->may_be_stopped = false;  // Its patience is over.
  Add("urgent", MakeSpec(2), 5);

  EXPECT_THAT(Pass(), IsEmpty());
  EXPECT_THAT(victims_, ElementsAre("low"));
}

TEST_F(JobQueueTest, TwoThatNeedRoomInOnePassHaveVictimsOfTheirOwn) {
  AddNode(2);
  AddNode(2);
  Run("low-1", Preemptible(MakeSpec(2)));
  Run("low-2", Preemptible(MakeSpec(2)));
  Add("head", MakeSpec(2), 5);
  EXPECT_THAT(Pass(), IsEmpty());
  ASSERT_EQ(victims_.size(), 1U);
  Find(victims_[0])->ends_soon = true;
  Find(victims_[0])->preempted = true;
  Add("next", MakeSpec(2), 4);

  EXPECT_THAT(Pass(), IsEmpty());
  EXPECT_THAT(victims_, IsEmpty());  // The other node is the head's, should it be free first.
}

TEST_F(JobQueueTest, AUserOverHisQuotaHoldsNobodyBack) {
  AddNode(4);
  quota_.SetDefault("devices.nvidia", 2);
  quota_.SetUser("other", "devices.nvidia", 9);
  Run("first", MakeSpec(2));
  Add("second", MakeSpec(1));
  Add("third", MakeSpec(2));
  jobs_["third"].owner = "other";
  queue_.Add(jobs_["third"]);

  EXPECT_THAT(Pass(), ElementsAre("third"));
  EXPECT_EQ(reasons_.at("second"), "quota of tester: devices.nvidia=2, 2 in use, 1 more needed");
}

TEST_F(JobQueueTest, HoweverManyAreOverTheirQuotaTheyHoldNobodyBack) {
  AddNode(4);
  quota_.SetDefault("running", 1);
  Run("first", MakeSpec(1));
  for (int i = 0; i < 150; ++i) Add("more-" + std::to_string(i), MakeSpec(1));
  Add("last", MakeSpec(1));
  jobs_["last"].owner = "other";
  queue_.Add(jobs_["last"]);

  EXPECT_THAT(Pass(), ElementsAre("last"));
  EXPECT_EQ(reasons_.size(), 100U);
}

TEST_F(JobQueueTest, AJobThatBacksOffIsLeftAloneUntilItsTime) {
  AddNode(1);
  Add("later", MakeSpec(1), 0, now_ + absl::Seconds(5));

  EXPECT_THAT(Pass(), IsEmpty());
  EXPECT_EQ(queue_.NextWake(now_), now_ + absl::Seconds(5));
  now_ += absl::Seconds(5);
  EXPECT_THAT(Pass(), ElementsAre("later"));
}

TEST_F(JobQueueTest, AGangThatIsSoonToStartAgainKeepsItsPlace) {
  AddNode(2);
  Run("failing", MakeSpec(2));
  End("failing");
  jobs_["failing"].previous = &placements_.back();
  jobs_["failing"].not_before = now_ + absl::Seconds(5);
  queue_.Add(jobs_["failing"]);
  Add("other", MakeSpec(1));

  EXPECT_THAT(Pass(), IsEmpty());
  jobs_["failing"].not_before = now_ + absl::Hours(1);
  queue_.Add(jobs_["failing"]);
  EXPECT_THAT(Pass(), ElementsAre("other"));
}

TEST_F(JobQueueTest, OnePassPlacesNoDeviceTwice) {
  AddNode(1);
  Add("one", MakeSpec(1));
  Add("two", MakeSpec(1));

  EXPECT_THAT(Pass(), ElementsAre("one"));
}

TEST_F(JobQueueTest, TheHeadKeepsItsPlaceWhileItBacksOffFromARefusal) {
  AddNode(4);
  Add("head", MakeSpec(4), 0, now_ + absl::Seconds(5));
  Add("small", MakeSpec(1));
  EXPECT_THAT(Pass(), IsEmpty());
  now_ += absl::Seconds(5);
  EXPECT_THAT(Pass(), ElementsAre("head"));
}

TEST_F(JobQueueTest, TheHeadIsNotDelayedWhileItBacksOffWithoutRoom) {
  AddNode(4);
  Run("first", MakeSpec(2));
  Add("head", MakeSpec(4), 0, now_ + absl::Seconds(5));
  Add("small", MakeSpec(1));
  Add("cpu", MakeSpec(0));
  EXPECT_THAT(Pass(), ElementsAre("cpu"));
}

}  // namespace
}  // namespace muster
