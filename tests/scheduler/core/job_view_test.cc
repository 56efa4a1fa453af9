#include "scheduler/core/job_view.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace muster {
namespace {

// A job whose attempts have so many bytes of ranks each.
v1::Job MakeJob(const std::vector<size_t>& sizes) {
  v1::Job job;
  job.set_id("train-0a1b2c");
  job.mutable_spec()->set_name("train");
  job.mutable_status()->set_owner("me");
  for (size_t i = 0; i < sizes.size(); ++i) {
    v1::Attempt* const attempt = job.mutable_status()->add_attempts();
    attempt->set_number(static_cast<int>(i));
    attempt->add_ranks()->set_role(std::string(sizes[i], 'r'));
  }
  return job;
}

std::vector<int> Numbers(const v1::Job& job) {
  std::vector<int> numbers;
  for (const v1::Attempt& attempt : job.status().attempts()) numbers.push_back(attempt.number());
  return numbers;
}

v1::Job View(const v1::Job& job, size_t max_bytes = kMaxShownJobBytes) {
  return *BoundedView(std::make_shared<v1::Job>(job), max_bytes);
}

TEST(BoundedViewTest, ASmallJobIsShownWhole) {
  const v1::Job job = MakeJob({1000, 1000, 1000});
  EXPECT_EQ(View(job).SerializeAsString(), job.SerializeAsString());
}

TEST(BoundedViewTest, ALargeOneKeepsItsFirstAttemptAndTheLatest) {
  const v1::Job job = MakeJob(std::vector<size_t>(1000, 10000));
  ASSERT_GT(job.ByteSizeLong(), size_t{4} << 20);
  const v1::Job view = View(job);
  EXPECT_LE(view.ByteSizeLong(), kMaxShownJobBytes + 100);
  EXPECT_GT(view.ByteSizeLong(), kMaxShownJobBytes - 11000);
  EXPECT_EQ(view.id(), job.id());
  EXPECT_EQ(view.spec().name(), "train");
  EXPECT_EQ(view.status().owner(), "me");
  EXPECT_EQ(view.status().attempts_size() + view.status().attempts_left_out(), 1000);
  EXPECT_EQ(view.status().attempts(0).number(), 0);
  EXPECT_EQ(view.status().attempts(1).number(), view.status().attempts_left_out() + 1);
  EXPECT_EQ(view.status().attempts(view.status().attempts_size() - 1).SerializeAsString(),
            job.status().attempts(999).SerializeAsString());
}

TEST(BoundedViewTest, TheFirstAttemptLosesItsRanksBeforeTheCurrentOneDoes) {
  const v1::Job view = View(MakeJob({900, 900, 900}), 1000);
  EXPECT_EQ(Numbers(view), (std::vector<int>{0, 2}));
  EXPECT_EQ(view.status().attempts_left_out(), 1);
  EXPECT_TRUE(view.status().attempts(0).ranks().empty());
  EXPECT_EQ(view.status().attempts(1).ranks_size(), 1);
}

TEST(BoundedViewTest, TheCurrentAttemptIsNeverLeftOut) {
  EXPECT_EQ(Numbers(View(MakeJob({5000}), 1000)), (std::vector<int>{0}));
  EXPECT_EQ(Numbers(View(MakeJob({10, 10, 5000}), 1000)), (std::vector<int>{0, 2}));
}

TEST(BoundedViewTest, CountsWhatTheRecordLacksAlready) {
  v1::Job job = MakeJob({900, 900, 900});
  job.mutable_status()->set_attempts_left_out(7);
  job.mutable_status()->add_past_failures()->set_hosts(2);
  EXPECT_EQ(View(job).status().attempts_left_out(), 7);
  EXPECT_TRUE(View(job).status().past_failures().empty());
  EXPECT_EQ(View(job, 1000).status().attempts_left_out(), 8);
}

}  // namespace
}  // namespace muster
