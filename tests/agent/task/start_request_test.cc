#include "agent/task/start_request.h"

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

v1::StartGangRequest Valid() {
  v1::StartGangRequest request;
  request.mutable_spec()->set_workdir("/");
  request.mutable_spec()->add_roles()->set_name("worker");
  v1::NodePlacement* const here = request.mutable_placement()->add_nodes();
  here->add_devices()->set_kind("nvidia");
  for (int i = 0; i < 2; ++i) {
    v1::RankPlacement* const rank = here->add_ranks();
    rank->set_role("worker");
    rank->set_rank(i);
    rank->add_devices(0);
  }
  return request;
}

TEST(CheckStartTest, TakesAWholeRequest) { EXPECT_TRUE(CheckStart(Valid()).ok()); }

TEST(CheckStartTest, RefusesWhatContradictsItself) {
  v1::StartGangRequest request = Valid();
  request.set_node_rank(1);
  EXPECT_TRUE(absl::IsInvalidArgument(CheckStart(request)));

  request = Valid();
  request.mutable_placement()->mutable_nodes(0)->clear_ranks();
  EXPECT_TRUE(absl::IsInvalidArgument(CheckStart(request)));

  request = Valid();
  request.mutable_spec()->set_workdir("relative");
  EXPECT_TRUE(absl::IsInvalidArgument(CheckStart(request)));

  request = Valid();
  request.mutable_placement()->mutable_nodes(0)->mutable_ranks(1)->set_rank(0);
  EXPECT_TRUE(absl::IsInvalidArgument(CheckStart(request)));

  request = Valid();
  request.mutable_placement()->mutable_nodes(0)->mutable_ranks(1)->set_devices(0, 1);
  EXPECT_TRUE(absl::IsInvalidArgument(CheckStart(request)));
}

TEST(CheckStartTest, RefusesRolesThatAreNoFileNamesOrNotInTheSpec) {
  for (const char* role : {"", "../x", "a/b", "..", "server"}) {
    v1::StartGangRequest request = Valid();
    request.mutable_placement()->mutable_nodes(0)->mutable_ranks(0)->set_role(role);
    EXPECT_TRUE(absl::IsInvalidArgument(CheckStart(request))) << role;
  }
}

TEST(StopsGangTest, IsTheDefault) { EXPECT_TRUE(StopsGang(v1::JobSpec())); }

TEST(StopsGangTest, NotWhenTheOthersGoOn) {
  v1::JobSpec spec;
  spec.set_on_failure(v1::FAILURE_ACTION_CONTINUE);
  EXPECT_FALSE(StopsGang(spec));
}

TEST(StopsGangTest, NotWhereOnlyTheSchedulerKnowsWhetherAFailureMatters) {
  v1::JobSpec spec;
  spec.mutable_success()->set_rank(0);
  spec.mutable_success()->set_clean_up(v1::CLEAN_UP_WAIT);
  EXPECT_FALSE(StopsGang(spec));
  spec.mutable_success()->set_clean_up(v1::CLEAN_UP_STOP);
  EXPECT_TRUE(StopsGang(spec));
  spec.mutable_success()->set_all(true);
  spec.mutable_success()->set_clean_up(v1::CLEAN_UP_WAIT);
  EXPECT_TRUE(StopsGang(spec));
}

TEST(StopsGangTest, NotWhenTheRankMayStartAgainAlone) {
  v1::JobSpec spec;
  spec.mutable_restart()->set_scope(v1::RESTART_SCOPE_RANK);
  EXPECT_TRUE(StopsGang(spec));
  EXPECT_FALSE(RestartsRanks(spec));
  spec.mutable_restart()->set_max_restarts(1);
  EXPECT_TRUE(RestartsRanks(spec));
  EXPECT_FALSE(StopsGang(spec));
}

}  // namespace
}  // namespace muster
