#include "scheduler/core/preemption.h"

#include <algorithm>
#include <memory>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// Gangs on nodes "0", "1", …, and a job that needs so many of each node's devices.
class PreemptionTest : public ::testing::Test {
 protected:
  RunningGang* Add(const std::string& id, int priority, int64_t start, int node, int devices) {
    placements_.push_back(std::make_unique<v1::Placement>());
    v1::NodePlacement* const there = placements_.back()->add_nodes();
    there->set_node_id(absl::StrCat(node));
    for (int i = 0; i < devices; ++i) there->add_devices();
    gangs_.push_back(std::make_unique<RunningGang>());
    RunningGang* const gang = gangs_.back().get();
    gang->job_id = id;
    gang->priority = priority;
    gang->start_ns = start;
    gang->placement = placements_.back().get();
    gang->may_be_stopped = true;
    return gang;
  }
  static int Freed(const std::vector<const RunningGang*>& gone, int node) {
    int freed = 0;
    for (const RunningGang* gang : gone) {
      const v1::NodePlacement& there = gang->placement->nodes(0);
      if (there.node_id() == absl::StrCat(node)) freed += there.devices_size();
    }
    return freed;
  }
  // On one of `nodes`.
  std::vector<std::string> Choose(int need, int nodes = 1) {
    std::vector<const RunningGang*> candidates;
    for (const auto& gang : gangs_) candidates.push_back(gang.get());
    std::vector<std::string> names;
    for (const RunningGang* gang : ChooseVictims(candidates, [need, nodes](const auto& gone) {
           for (int node = 0; node < nodes; ++node) {
             if (Freed(gone, node) >= need) return true;
           }
           return false;
         })) {
      names.push_back(gang->job_id);
    }
    return names;
  }

  std::vector<std::unique_ptr<v1::Placement>> placements_;
  std::vector<std::unique_ptr<RunningGang>> gangs_;
};

TEST_F(PreemptionTest, OnlyAGangThatAllowsItAndHasALowerPriority) {
  RunningGang* const gang = Add("v", 5, 0, 0, 1);

  EXPECT_TRUE(MayStop(*gang, 6, 0, "j"));
  EXPECT_FALSE(MayStop(*gang, 5, 0, "j"));
  EXPECT_FALSE(MayStop(*gang, 4, 0, "j"));
  gang->may_be_stopped = false;
  EXPECT_FALSE(MayStop(*gang, 6, 0, "j"));
  gang->may_be_stopped = true;
  gang->ends_soon = true;
  EXPECT_FALSE(MayStop(*gang, 6, 0, "j"));
}

TEST_F(PreemptionTest, AGangThatHasPassedYieldsToThoseAheadOfIt) {
  RunningGang* const gang = Add("v", 5, 0, 0, 1);
  gang->submit_ns = 100;
  gang->has_passed = true;

  EXPECT_TRUE(MayStop(*gang, 5, 99, "j"));
  EXPECT_FALSE(MayStop(*gang, 5, 101, "j"));
  EXPECT_FALSE(MayStop(*gang, 4, 99, "j"));
}

TEST_F(PreemptionTest, TheLowestPriorityGoesThenTheYoungest) {
  Add("old", 1, 10, 0, 1);
  Add("young", 1, 20, 0, 1);
  Add("better", 2, 30, 0, 1);

  EXPECT_THAT(Choose(1), ElementsAre("young"));
  EXPECT_THAT(Choose(2), UnorderedElementsAre("young", "old"));
}

TEST_F(PreemptionTest, OneThatSufficesGoesInPlaceOfSeveral) {
  Add("small-1", 1, 30, 0, 1);
  Add("small-2", 1, 20, 0, 1);
  Add("large", 2, 10, 1, 2);

  EXPECT_THAT(Choose(2, /*nodes=*/2), ElementsAre("large"));
}

TEST_F(PreemptionTest, NobodyGoesInVain) {
  Add("a", 1, 10, 0, 1);
  Add("b", 1, 20, 1, 1);

  EXPECT_THAT(Choose(2, /*nodes=*/2), IsEmpty());
}

TEST_F(PreemptionTest, NoVictimCouldBeSparedAndOneIsFoundWhereOneSuffices) {
  std::mt19937 random(7);
  int several = 0;
  int larger_than_least = 0;
  for (int round = 0; round < 2000; ++round) {
    gangs_.clear();
    placements_.clear();
    const int count = 1 + static_cast<int>(random() % 7);
    for (int i = 0; i < count; ++i) {
      Add(absl::StrCat("g-", i), static_cast<int>(random() % 3), static_cast<int64_t>(random() % 9),
          static_cast<int>(random() % 3), 1 + static_cast<int>(random() % 4));
    }
    const int need = 1 + static_cast<int>(random() % 6);
    const auto fits = [&](const std::set<std::string>& names) {
      std::vector<const RunningGang*> gone;
      for (const auto& gang : gangs_) {
        if (names.count(gang->job_id) > 0) gone.push_back(gang.get());
      }
      return Freed(gone, 0) >= need || Freed(gone, 1) >= need || Freed(gone, 2) >= need;
    };
    size_t least = 99;
    for (unsigned mask = 1; mask < 1U << count; ++mask) {
      std::set<std::string> names;
      for (int i = 0; i < count; ++i) {
        if ((mask >> i & 1U) != 0) names.insert(absl::StrCat("g-", i));
      }
      if (fits(names)) least = std::min(least, names.size());
    }
    const std::vector<std::string> chosen = Choose(need, /*nodes=*/3);
    if (least == 99) {
      EXPECT_THAT(chosen, IsEmpty());
      continue;
    }
    std::set<std::string> names(chosen.begin(), chosen.end());
    ASSERT_TRUE(fits(names)) << round;
    for (const std::string& spared : chosen) {
      std::set<std::string> others = names;
      others.erase(spared);
      EXPECT_FALSE(fits(others)) << round;
    }
    if (least == 1) {
      EXPECT_EQ(chosen.size(), 1U) << round;
    }
    several += least > 1 ? 1 : 0;
    larger_than_least += chosen.size() > least ? 1 : 0;
  }
  EXPECT_GT(several, 100);
  EXPECT_LE(larger_than_least, several / 10);
}

}  // namespace
}  // namespace muster
