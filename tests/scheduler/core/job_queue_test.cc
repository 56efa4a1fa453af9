#include "scheduler/core/job_queue.h"

#include "common/job/job_defaults.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ClusterView MakeCluster(int devices, int in_use) {
  NodeView node;
  node.id = "a";
  node.name = "a";
  node.state = v1::NODE_STATE_READY;
  for (int i = 0; i < devices; ++i) node.devices.push_back({"nvidia", i, -1, true, i < in_use});
  return {{node}};
}

v1::JobSpec MakeSpec(int devices) {
  v1::JobSpec spec;
  spec.set_name("train");
  spec.set_contract("plain");
  spec.add_command("/bin/true");
  spec.set_ranks_per_node(std::max(devices, 1));
  if (devices > 0) {
    spec.mutable_devices_per_rank()->set_kind("nvidia");
    spec.mutable_devices_per_rank()->set_count(1);
  }
  FillJobDefaults(&spec);
  return spec;
}

class JobQueueTest : public ::testing::Test {
 protected:
  void Add(const std::string& id, const v1::JobSpec* spec, int priority = 0,
           absl::Duration not_before = absl::ZeroDuration()) {
    queue_.Add({id, priority, ++age_, spec, not_before});
  }
  std::vector<std::string> Placed(const ClusterView& cluster, absl::Duration now) {
    std::vector<std::string> ids;
    for (const JobQueue::Decision& decision : queue_.Pass(cluster, now)) {
      if (decision.plan.ok()) ids.push_back(decision.job_id);
    }
    return ids;
  }

  const v1::JobSpec big_ = MakeSpec(4);
  const v1::JobSpec small_ = MakeSpec(1);
  const v1::JobSpec cpu_ = MakeSpec(0);
  const v1::JobSpec huge_ = MakeSpec(5);
  const absl::Duration now_ = absl::Hours(1);
  JobQueue queue_{JobQueue::Options()};
  int64_t age_ = 0;
};

TEST_F(JobQueueTest, HigherPriorityGoesFirstThenAge) {
  Add("old", &small_);
  Add("young", &small_);
  Add("urgent", &small_, 10);

  EXPECT_THAT(Placed(MakeCluster(2, 0), now_), ElementsAre("urgent", "old"));
  EXPECT_EQ(queue_.size(), 1);
}

TEST_F(JobQueueTest, SmallJobsPassABlockedOne) {
  Add("big", &big_);
  Add("small", &small_);

  EXPECT_THAT(Placed(MakeCluster(4, 2), now_), ElementsAre("small"));
}

TEST_F(JobQueueTest, ABlockedJobClaimsItsDevicesAfterTheLimit) {
  Add("big", &big_);
  Add("small-1", &small_);
  EXPECT_THAT(Placed(MakeCluster(4, 2), now_), ElementsAre("small-1"));
  const absl::Duration late = now_ + absl::Seconds(60);
  Add("small-2", &small_);
  Add("cpu", &cpu_);

  EXPECT_THAT(Placed(MakeCluster(4, 2), late), ElementsAre("cpu"));
  EXPECT_THAT(Placed(MakeCluster(4, 0), late), ElementsAre("big"));
}

TEST_F(JobQueueTest, TheLimitCountsFromTheFirstPassingNotFromTheSubmit) {
  Add("big", &big_);
  EXPECT_THAT(Placed(MakeCluster(4, 2), now_), IsEmpty());
  Add("small", &small_);

  EXPECT_THAT(Placed(MakeCluster(4, 2), now_ + absl::Hours(1)), ElementsAre("small"));
}

TEST_F(JobQueueTest, AJobThatCanNeverFitClaimsNothing) {
  Add("huge", &huge_);
  Add("small-1", &small_);
  EXPECT_THAT(Placed(MakeCluster(4, 2), now_), ElementsAre("small-1"));
  Add("small-2", &small_);

  EXPECT_THAT(Placed(MakeCluster(4, 2), now_ + absl::Hours(1)), ElementsAre("small-2"));
}

TEST_F(JobQueueTest, AJobThatBacksOffIsLeftAloneUntilItsTime) {
  Add("later", &small_, 0, now_ + absl::Seconds(5));

  EXPECT_THAT(Placed(MakeCluster(1, 0), now_), IsEmpty());
  EXPECT_EQ(queue_.NextWake(now_), now_ + absl::Seconds(5));
  EXPECT_THAT(Placed(MakeCluster(1, 0), now_ + absl::Seconds(5)), ElementsAre("later"));
}

TEST_F(JobQueueTest, OnePassPlacesNoDeviceTwice) {
  Add("one", &small_);
  Add("two", &small_);

  EXPECT_THAT(Placed(MakeCluster(1, 0), now_), ElementsAre("one"));
}

}  // namespace
}  // namespace muster
