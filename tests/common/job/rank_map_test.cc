#include "common/job/rank_map.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/job/node_list.h"

namespace muster {
namespace {

v1::RoleSpec Role(const std::string& name, int count, int per_node) {
  v1::RoleSpec role;
  role.set_name(name);
  role.set_count(count);
  role.set_per_node(per_node);
  return role;
}

v1::JobSpec SpecOf(const std::vector<v1::RoleSpec>& roles) {
  v1::JobSpec spec;
  for (const v1::RoleSpec& role : roles) *spec.add_roles() = role;
  return spec;
}

TEST(RankMapTest, DealsBlocksAndGivesTheFirstHostsTheLargerShares) {
  const v1::RoleSpec role = Role("worker", 7, 0);
  EXPECT_EQ(RoleCountOnNode(role, 3, 0), 3);
  EXPECT_EQ(RoleCountOnNode(role, 3, 1), 2);
  EXPECT_EQ(RoleCountOnNode(role, 3, 2), 2);
  EXPECT_EQ(FirstRankOnNode(role, 3, 0), 0);
  EXPECT_EQ(FirstRankOnNode(role, 3, 1), 3);
  EXPECT_EQ(FirstRankOnNode(role, 3, 2), 5);
}

TEST(RankMapTest, GlobalRanksFollowTheOrderOfTheRoles) {
  const v1::JobSpec spec = SpecOf({Role("server", 1, 0), Role("worker", 0, 2)});
  const std::vector<RankPosition> second = RanksOfNode(spec, 2, 1);
  ASSERT_EQ(second.size(), 2u);
  EXPECT_EQ(second[0].role, 1);
  EXPECT_EQ(second[0].rank, 2);
  EXPECT_EQ(second[0].local_rank, 0);
  EXPECT_EQ(second[0].global_rank, 3);
  EXPECT_EQ(second[1].global_rank, 4);
}

TEST(RankMapTest, AHostMayHaveNoRankOfASmallRole) {
  const v1::JobSpec spec = SpecOf({Role("server", 1, 0)});
  EXPECT_TRUE(RanksOfNode(spec, 3, 2).empty());
  EXPECT_EQ(RanksOnNode(spec, 3, 0), 1);
}

TEST(RankMapTest, ARoleMayBeOnSomeOfTheHosts) {
  v1::JobSpec spec = SpecOf({Role("server", 3, 0), Role("trainer", 0, 4)});
  spec.mutable_roles(0)->set_node_ranks("0-1");
  spec.mutable_roles(1)->set_node_ranks("2-");
  EXPECT_EQ(RanksOnNode(spec, 4, 0), 2);
  EXPECT_EQ(RanksOnNode(spec, 4, 1), 1);
  EXPECT_EQ(TotalRanks(spec, 4), 11);
  const std::vector<RankPosition> last = RanksOfNode(spec, 4, 3);
  ASSERT_EQ(last.size(), 4u);
  EXPECT_EQ(last[0].role, 1);
  EXPECT_EQ(last[0].rank, 4);
  EXPECT_EQ(last[0].local_rank, 0);
  EXPECT_EQ(last[0].global_rank, 7);
  EXPECT_TRUE(NodesWithoutRanks(spec, 5).empty());
  spec.mutable_roles(1)->set_node_ranks("2,4");
  EXPECT_EQ(NodesWithoutRanks(spec, 6), (std::vector<int>{3, 5}));
}

TEST(RankMapTest, FindsARoleByName) {
  const v1::JobSpec spec = SpecOf({Role("server", 1, 0), Role("worker", 0, 2)});
  EXPECT_EQ(FindRole(spec, "worker"), 1);
  EXPECT_EQ(FindRole(spec, "chief"), -1);
}

// For any job: every rank is on exactly one host, the hosts' lists make the whole, ranks of a role
// go up from host to host without a gap, and shares differ by at most one.
TEST(RankMapTest, EveryRankHasExactlyOnePlaceWhateverTheShape) {
  std::mt19937 random(7);  // Fixed: a failure can be had again.
  const auto pick = [&random](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  for (int round = 0; round < 500; ++round) {
    v1::JobSpec spec;
    const int roles = pick(1, 4);
    for (int i = 0; i < roles; ++i) {
      const bool counted = pick(0, 1) == 1;
      *spec.add_roles() =
          Role(absl::StrCat("r", i), counted ? pick(1, 50) : 0, counted ? 0 : pick(1, 9));
    }
    const int nodes = pick(1, 12);
    for (v1::RoleSpec& role : *spec.mutable_roles()) {
      const int first = pick(0, nodes - 1);
      const int kind = pick(0, 3);
      if (kind == 1) role.set_node_ranks(absl::StrCat(first, "-", pick(first, nodes - 1)));
      if (kind == 2) role.set_node_ranks(absl::StrCat(first, "-"));
      if (kind == 3 && nodes > 2) role.set_node_ranks(absl::StrCat("0,", pick(2, nodes - 1)));
    }
    SCOPED_TRACE(absl::StrCat("round ", round, ", ", nodes, " nodes: ", spec.ShortDebugString()));

    std::set<int> seen;
    std::vector<int> next_rank(static_cast<size_t>(roles), 0);
    int total = 0;
    for (int node = 0; node < nodes; ++node) {
      const std::vector<RankPosition> slots = RanksOfNode(spec, nodes, node);
      EXPECT_EQ(static_cast<int>(slots.size()), RanksOnNode(spec, nodes, node));
      std::vector<int> next_local(static_cast<size_t>(roles), 0);
      for (const RankPosition& slot : slots) {
        EXPECT_TRUE(seen.insert(slot.global_rank).second);
        EXPECT_EQ(slot.rank, next_rank[static_cast<size_t>(slot.role)]++);
        EXPECT_EQ(slot.local_rank, next_local[static_cast<size_t>(slot.role)]++);
        EXPECT_EQ(slot.node_rank, node);
        ++total;
      }
      for (const v1::RoleSpec& role : spec.roles()) {
        const int share = RoleCountOnNode(role, nodes, node);
        const NodeList hosts = *NodeList::Parse(role.node_ranks());
        if (!hosts.Has(node)) {
          EXPECT_EQ(share, 0);
          continue;
        }
        int first = 0;
        while (!hosts.Has(first)) ++first;
        const int difference = RoleCountOnNode(role, nodes, first) - share;
        EXPECT_GE(difference, 0);
        EXPECT_LE(difference, 1);
      }
    }
    EXPECT_EQ(total, TotalRanks(spec, nodes));
    EXPECT_EQ(*seen.begin(), 0);
    EXPECT_EQ(*seen.rbegin(), total - 1);
    const std::vector<RankPosition> all = AllRanks(spec, nodes);
    for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].global_rank, static_cast<int>(i));
  }
}

}  // namespace
}  // namespace muster
