#include "launch/sample_placement.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "launch/registry.h"
#include "tests/launch/launch_case.h"

namespace muster {
namespace {

TEST(SamplePlacementTest, PlacesAlsoWhatAContractWouldRefuse) {
  for (const std::string& contract : ContractNames()) {
    const LaunchCase job(absl::StrCat("contract: '", contract,
                                      "' command: 'x' nodes { min: 2 } roles { name: 'a' } "
                                      "roles { name: 'b' count: 3 } roles { name: 'a' }"));
    ASSERT_EQ(job.placement.nodes_size(), 2) << contract;
    EXPECT_GE(job.placement.nodes(0).ranks_size(), 3) << contract;
  }
}

TEST(SamplePlacementTest, AContractMayKnowFewerRolesThanTheJobHas) {
  EXPECT_EQ(NeedsOfRole({{"a", 1, 0}}, "b").ports_per_rank, 0);
  EXPECT_EQ(NeedsOfRole({{"a", 1, 0}, {"b", 2, 0}}, "b").ports_per_rank, 2);
}

TEST(SamplePlacementTest, PutsRolesOnTheirHostsAlone) {
  const LaunchCase job(
      "contract: 'paddle_ps' command: 'x' nodes { min: 4 } "
      "roles { name: 'server' per_node: 1 node_ranks: '0-1' } "
      "roles { name: 'trainer' count: 3 node_ranks: '2-3' }");
  ASSERT_EQ(job.placement.nodes_size(), 4);
  EXPECT_EQ(job.placement.nodes(1).ranks_size(), 1);
  EXPECT_EQ(job.placement.nodes(1).ranks(0).role(), "server");
  EXPECT_EQ(job.placement.nodes(1).ranks(0).rank(), 1);
  EXPECT_EQ(job.placement.nodes(2).ranks_size(), 2);
  EXPECT_EQ(job.placement.nodes(3).ranks(0).role(), "trainer");
  EXPECT_EQ(job.placement.nodes(3).ranks(0).rank(), 2);
}

TEST(SamplePlacementTest, NotesThePortsThatAJobNames) {
  const LaunchCase mindspore(
      "contract: 'mindspore' command: 'x' ranks_per_node: 2 mindspore { sched_port: 8118 }");
  const auto& ranks = mindspore.placement.nodes(0).ranks();
  ASSERT_EQ(ranks.size(), 3);
  EXPECT_TRUE(ranks[0].fixed_ports().empty());
  ASSERT_EQ(ranks[2].fixed_ports_size(), 1) << ranks[2].DebugString();
  EXPECT_EQ(ranks[2].fixed_ports(0), 8118u);
  EXPECT_TRUE(ranks[2].ports().empty());

  const LaunchCase paddle(
      "contract: 'paddle_ps' command: 'x' nodes { min: 2 } paddle { gloo_port: 8500 } "
      "roles { name: 'server' count: 1 node_ranks: '1' } roles { name: 'trainer' }");
  EXPECT_TRUE(paddle.placement.nodes(0).ranks(0).fixed_ports().empty());
  ASSERT_EQ(paddle.placement.nodes(1).ranks(0).fixed_ports_size(), 1);
  EXPECT_EQ(paddle.placement.nodes(1).ranks(0).fixed_ports(0), 8500u);
}

}  // namespace
}  // namespace muster
