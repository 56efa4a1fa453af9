#include "agent/shim/shim_plan.h"

#include <string>

#include "gtest/gtest.h"

namespace muster {
namespace {

ShimPlan Plan() {
  ShimPlan plan;
  plan.job_id = "job";
  plan.attempt = 2;
  plan.epoch = 77;
  plan.gang_dir = "/var/gang";
  plan.ranks_cgroup = "/sys/fs/cgroup/x";
  plan.v1_cgroups = {"/a", "/b"};
  plan.rlimits = {{7, -1}};
  plan.tty = true;
  plan.log_full = LogFull::kBlock;
  ShimRank rank;
  rank.role = "worker";
  rank.rank = 5;
  rank.argv = {"prog", "", "with space"};
  rank.env = {"A=b"};
  rank.cpus = {0, 63};
  rank.create_empty = true;
  plan.ranks = {rank, rank};
  return plan;
}

TEST(ShimPlanTest, ReadsBackWhatWasWritten) {
  ShimPlan read;
  std::string error;
  ASSERT_TRUE(DecodeShimPlan(EncodeShimPlan(Plan()), &read, &error)) << error;
  EXPECT_EQ(EncodeShimPlan(read), EncodeShimPlan(Plan()));
  EXPECT_EQ(read.ranks[1].argv[2], "with space");
  EXPECT_EQ(read.ranks[1].cpus[1], 63);
}

TEST(ShimPlanTest, RefusesATornPlanAtEveryByte) {
  const std::string whole = EncodeShimPlan(Plan());
  for (size_t size = 0; size < whole.size(); ++size) {
    ShimPlan read;
    std::string error;
    EXPECT_FALSE(DecodeShimPlan(whole.substr(0, size), &read, &error)) << size;
    EXPECT_FALSE(error.empty());
  }
}

TEST(ShimPlanTest, NeverTakesAFlippedBitForAPlan) {
  const std::string whole = EncodeShimPlan(Plan());
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    const bool is_minor = bit / 8 == 6 || bit / 8 == 7;
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    ShimPlan read;
    std::string error;
    EXPECT_EQ(DecodeShimPlan(flipped, &read, &error), is_minor) << bit;
  }
}

TEST(ShimPlanTest, MergesTheStreamsOfATerminalAndOfOneFile) {
  ShimPlan plan;
  ShimRank rank;
  EXPECT_FALSE(MergesStreams(plan, rank));
  rank.out_path = rank.err_path = "/log";
  EXPECT_TRUE(MergesStreams(plan, rank));
  rank.err_path = "/other";
  EXPECT_FALSE(MergesStreams(plan, rank));
  plan.tty = true;
  EXPECT_TRUE(MergesStreams(plan, rank));
}

}  // namespace
}  // namespace muster
