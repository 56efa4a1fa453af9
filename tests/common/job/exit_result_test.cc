#include "common/job/exit_result.h"

#include <gtest/gtest.h>

#include <string>

namespace muster {
namespace {

using Ranks = google::protobuf::RepeatedPtrField<v1::RankStatus>;

// Adds a rank that ended `seconds` after the epoch by its host's wall clock.
v1::RankStatus* AddEnded(Ranks* ranks, int rank, const std::string& node, int64_t boottime_ns,
                         int64_t seconds, const v1::ExitResult& exit) {
  v1::RankStatus* status = ranks->Add();
  status->set_role("worker");
  status->set_rank(rank);
  status->set_node_name(node);
  status->set_state(v1::RANK_STATE_EXITED);
  status->mutable_end_time()->set_seconds(seconds);
  status->set_end_boottime_ns(boottime_ns);
  *status->mutable_exit() = exit;
  return status;
}

v1::ExitResult Stopped(v1::ExitResult exit) {
  exit.set_stopped(true);
  return exit;
}

TEST(ExitResultTest, OnlyCodeZeroIsSuccess) {
  EXPECT_TRUE(Succeeded(ExitedWith(0)));
  EXPECT_FALSE(Succeeded(ExitedWith(1)));
  EXPECT_FALSE(Succeeded(KilledBy(9)));
  EXPECT_FALSE(Succeeded(UnknownExit("the shim is gone")));
  EXPECT_FALSE(Succeeded(v1::ExitResult()));
}

TEST(ExitResultTest, CodesAreThoseOfAShell) {
  EXPECT_EQ(ShellExitCode(ExitedWith(0)), 0);
  EXPECT_EQ(ShellExitCode(ExitedWith(3)), 3);
  EXPECT_EQ(ShellExitCode(KilledBy(9)), 137);
  EXPECT_EQ(ShellExitCode(NotStarted("no such program")), 127);
  v1::ExitResult forbidden = NotStarted("permission denied");
  forbidden.set_not_executable(true);
  EXPECT_EQ(ShellExitCode(forbidden), 126);
  EXPECT_EQ(ShellExitCode(UnknownExit("lost")), 1);
  EXPECT_EQ(ShellExitCode(v1::ExitResult()), 1);
}

TEST(ExitResultTest, DescribesAnExitInOneClause) {
  EXPECT_EQ(DescribeExit(ExitedWith(3)), "exited with code 3");
  v1::ExitResult explained = ExitedWith(1);
  explained.set_message("RuntimeError: boom");
  EXPECT_EQ(DescribeExit(explained), "exited with code 1: RuntimeError: boom");
  EXPECT_EQ(DescribeExit(KilledBy(9)), "killed by SIGKILL");
  EXPECT_EQ(DescribeExit(KilledBy(200)), "killed by signal 200");
  EXPECT_EQ(DescribeExit(NotStarted("cannot start 'foo': no such file")),
            "cannot start 'foo': no such file");
  EXPECT_EQ(DescribeExit(UnknownExit("its host restarted")), "ended unseen: its host restarted");
  v1::ExitResult exit = KilledBy(9);
  exit.set_out_of_memory(true);
  EXPECT_EQ(DescribeExit(exit), "killed by SIGKILL, out of memory");
  exit = KilledBy(11);
  exit.set_core_dumped(true);
  EXPECT_EQ(DescribeExit(exit), "killed by SIGSEGV, core dumped");
}

TEST(FirstFailureTest, BootTimeOrdersOneHostEvenWhenItsWallClockJumpsBack) {
  Ranks ranks;
  AddEnded(&ranks, 0, "node-0", 2000, 100, ExitedWith(1));
  AddEnded(&ranks, 1, "node-0", 1000, 200, KilledBy(9));
  EXPECT_EQ(FindFirstFailure(ranks)->rank(), 1);
}

TEST(FirstFailureTest, WallTimeOrdersHostsWhateverTheirUptime) {
  Ranks ranks;
  AddEnded(&ranks, 0, "node-0", 10, 200, ExitedWith(1));
  AddEnded(&ranks, 1, "node-1", 99999, 100, ExitedWith(2));
  EXPECT_EQ(FindFirstFailure(ranks)->rank(), 1);
}

TEST(FirstFailureTest, StoppedRanksAndGoodOnesAreNeverTheCause) {
  Ranks ranks;
  AddEnded(&ranks, 0, "node-0", 1, 1, ExitedWith(0));
  AddEnded(&ranks, 1, "node-0", 2, 2, Stopped(KilledBy(15)));
  EXPECT_EQ(FindFirstFailure(ranks), nullptr);
  AddEnded(&ranks, 2, "node-0", 3, 3, ExitedWith(7));
  EXPECT_EQ(FindFirstFailure(ranks)->rank(), 2);
}

TEST(FirstFailureTest, RanksThatStillRunAreNotLookedAt) {
  Ranks ranks;
  AddEnded(&ranks, 0, "node-0", 1, 1, ExitedWith(1))->set_state(v1::RANK_STATE_RUNNING);
  EXPECT_EQ(FindFirstFailure(ranks), nullptr);
}

TEST(FirstFailureTest, ARankWithoutAnyTimeComesLast) {
  Ranks ranks;
  v1::RankStatus* lost = ranks.Add();
  lost->set_rank(0);
  lost->set_node_name("node-0");
  lost->set_state(v1::RANK_STATE_LOST);
  AddEnded(&ranks, 1, "node-1", 5, 5, ExitedWith(1));
  EXPECT_EQ(FindFirstFailure(ranks)->rank(), 1);
}

TEST(FirstCauseTest, NamesTheRankAndCountsItsFallout) {
  Ranks ranks;
  AddEnded(&ranks, 0, "node-0", 0, 101, ExitedWith(1));
  AddEnded(&ranks, 1, "node-1", 0, 102, Stopped(KilledBy(15)));
  AddEnded(&ranks, 2, "node-1", 0, 100, KilledBy(9));
  AddEnded(&ranks, 3, "node-1", 0, 103, ExitedWith(0));
  const v1::FirstCause cause = MakeFirstCause(*FindFirstFailure(ranks), ranks);
  EXPECT_EQ(cause.summary(), "rank 2 on node-1: killed by SIGKILL");
  EXPECT_EQ(cause.fallout(), 2);
  EXPECT_EQ(cause.time().seconds(), 100);
  EXPECT_EQ(cause.role(), "worker");
  EXPECT_EQ(cause.exit().signal(), 9);
}

TEST(FirstCauseTest, SaysWhichRoleAndThatAHostIsGone) {
  Ranks ranks;
  v1::RankStatus* lost = ranks.Add();
  lost->set_role("server");
  lost->set_node_name("node-0");
  lost->set_state(v1::RANK_STATE_LOST);
  EXPECT_EQ(MakeFirstCause(*lost, ranks).summary(), "server 0 on node-0: lost with its host");
}

}  // namespace
}  // namespace muster
