#include "agent/task/rank_table.h"

#include <csignal>

#include "absl/time/time.h"
#include "common/job/exit_result.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

const absl::Time kThen = absl::FromUnixSeconds(1767225600);

v1::StartGangRequest TwoRanks() {
  v1::StartGangRequest request;
  v1::NodePlacement* const here = request.mutable_placement()->add_nodes();
  for (int i = 0; i < 2; ++i) {
    v1::RankPlacement* const rank = here->add_ranks();
    rank->set_role("worker");
    rank->set_rank(4 + i);
    rank->set_local_rank(i);
  }
  return request;
}

RankExit ExitOf(int index, int code, int restart = 0) {
  RankExit exit;
  exit.index = index;
  exit.restart = restart;
  exit.code = code;
  exit.wall = kThen;
  exit.boottime_ns = 5;
  exit.out_bytes = 10;
  exit.err_bytes = 20;
  return exit;
}

class RankStatesTest : public testing::Test {
 protected:
  RankStates table_{TwoRanks(), "node-1"};
};

TEST_F(RankStatesTest, ReportsEveryRankFromTheStart) {
  v1::GangReport report;
  table_.Fill(&report);
  ASSERT_EQ(report.ranks_size(), 2);
  EXPECT_EQ(report.ranks(1).rank(), 5);
  EXPECT_EQ(report.ranks(1).local_rank(), 1);
  EXPECT_EQ(report.ranks(1).node_name(), "node-1");
  EXPECT_EQ(report.ranks(1).state(), v1::RANK_STATE_STARTING);
}

TEST_F(RankStatesTest, AnExitCarriesAllThatTheShimKnows) {
  EXPECT_TRUE(table_.Started(0, 0, 812, kThen));
  EXPECT_TRUE(table_.Exited(ExitOf(0, 3)));
  const v1::RankStatus& status = table_.status(0);
  EXPECT_EQ(table_.state(0), TaskState::kExited);
  EXPECT_EQ(status.pid(), 812);
  EXPECT_EQ(status.exit().code(), 3);
  EXPECT_EQ(status.stdout_bytes(), 10);
  EXPECT_EQ(status.stderr_bytes(), 20);
  EXPECT_EQ(status.end_boottime_ns(), 5);
  EXPECT_EQ(table_.living(), 1);
}

TEST_F(RankStatesTest, AReplayChangesNothing) {
  table_.Started(0, 0, 812, kThen);
  table_.Exited(ExitOf(0, 3));
  EXPECT_FALSE(table_.Started(0, 0, 812, kThen));
  EXPECT_FALSE(table_.Exited(ExitOf(0, 9)));
  EXPECT_EQ(table_.status(0).exit().code(), 3);
}

TEST_F(RankStatesTest, AnExitWithoutAStartIsBelieved) {
  EXPECT_TRUE(table_.Exited(ExitOf(0, 3)));
  EXPECT_EQ(table_.state(0), TaskState::kExited);
}

TEST_F(RankStatesTest, TheNextLifeForgetsTheLast) {
  table_.Started(0, 0, 812, kThen);
  table_.Exited(ExitOf(0, 3));
  EXPECT_TRUE(table_.Restart(0, 1));
  EXPECT_EQ(table_.state(0), TaskState::kStarting);
  EXPECT_FALSE(table_.status(0).has_exit());
  EXPECT_FALSE(table_.Exited(ExitOf(0, 3, /*restart=*/0)));
  EXPECT_TRUE(table_.Started(0, 1, 813, kThen));
  EXPECT_TRUE(table_.Exited(ExitOf(0, 0, /*restart=*/1)));
  EXPECT_TRUE(Succeeded(table_.status(0).exit()));
  EXPECT_EQ(table_.status(0).restarts(), 1);
}

TEST_F(RankStatesTest, ALifeThatWasBegunBeforeTheAgentsCrashIsTakenUp) {
  EXPECT_TRUE(table_.Started(0, 2, 900, kThen));
  EXPECT_EQ(table_.status(0).restarts(), 2);
  EXPECT_EQ(table_.state(0), TaskState::kRunning);
}

TEST_F(RankStatesTest, StoppingRanksStayStoppingUntilTheyEnd) {
  table_.Started(0, 0, 812, kThen);
  EXPECT_TRUE(table_.StopAll());
  EXPECT_FALSE(table_.StopAll());
  table_.Started(1, 0, 813, kThen);
  EXPECT_EQ(table_.state(0), TaskState::kStopping);
  EXPECT_EQ(table_.state(1), TaskState::kStopping);
}

TEST_F(RankStatesTest, TheRestEndsAlikeAndTheEndedStay) {
  table_.Exited(ExitOf(0, 3));
  EXPECT_TRUE(table_.EndRest(TaskEvent::kHostGone, UnknownExit("its host rebooted")));
  EXPECT_EQ(table_.state(0), TaskState::kExited);
  EXPECT_EQ(table_.state(1), TaskState::kLost);
  EXPECT_EQ(table_.status(1).exit().unknown(), "its host rebooted");
  EXPECT_TRUE(table_.AllFinal());
}

TEST_F(RankStatesTest, StrangeIndicesAreIgnored) {
  EXPECT_FALSE(table_.Started(2, 0, 1, kThen));
  EXPECT_FALSE(table_.Started(-1, 0, 1, kThen));
  EXPECT_FALSE(table_.Exited(ExitOf(7, 0)));
}

TEST_F(RankStatesTest, LoadsItsOwnReportAndNoOther) {
  table_.Exited(ExitOf(0, 3));
  table_.EndRest(TaskEvent::kExitUnknown, UnknownExit("?"));
  v1::GangReport report;
  table_.Fill(&report);
  RankStates later(TwoRanks(), "node-1");
  EXPECT_TRUE(later.Load(report));
  EXPECT_EQ(later.state(0), TaskState::kExited);
  EXPECT_EQ(later.state(1), TaskState::kUnknown);
  report.mutable_ranks(0)->set_rank(99);
  EXPECT_FALSE(RankStates(TwoRanks(), "node-1").Load(report));
}

TEST(ExitResultOfTest, TellsTheFourKindsApart) {
  EXPECT_EQ(ExitResultOf(ExitOf(0, 7)).code(), 7);

  RankExit killed = ExitOf(0, 0);
  killed.signal = SIGKILL;
  killed.out_of_memory = true;
  EXPECT_EQ(ExitResultOf(killed).signal(), SIGKILL);
  EXPECT_TRUE(ExitResultOf(killed).out_of_memory());

  RankExit unstarted = ExitOf(0, 0);
  unstarted.started = false;
  unstarted.error = "no such program";
  EXPECT_EQ(ExitResultOf(unstarted).not_started(), "no such program");
  EXPECT_FALSE(ExitResultOf(unstarted).not_executable());
  unstarted.not_executable = true;
  EXPECT_TRUE(ExitResultOf(unstarted).not_executable());

  RankExit unknown = ExitOf(0, 0);
  unknown.known = false;
  EXPECT_FALSE(ExitResultOf(unknown).unknown().empty());
}

}  // namespace
}  // namespace muster
