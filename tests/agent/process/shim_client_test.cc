#include "agent/process/shim_client.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "agent/shim/log_format.h"
#include "common/base/clock.h"
#include "common/base/fs.h"
#include "gtest/gtest.h"
#include "tests/agent/process/gang_fixture.h"

namespace muster {
namespace {

using ShimTest = GangTest;

TEST_F(ShimTest, ReportsExitCodesAndSignals) {
  ShimPlan plan = Scripts({"exit 0", "exit 7", "kill -KILL $$", "kill -ABRT $$"});
  plan.stop_gang = false;
  Spawn(plan);
  ASSERT_TRUE(AwaitFinished());
  EXPECT_EQ(log_.Exit(0).code, 0);
  EXPECT_EQ(log_.Exit(1).code, 7);
  EXPECT_EQ(log_.Exit(2).signal, SIGKILL);
  EXPECT_EQ(log_.Exit(3).signal, SIGABRT);
  EXPECT_FALSE(log_.Exit(1).stopped);
  EXPECT_EQ(log_.pids.size(), 4u);
}

TEST_F(ShimTest, CapturesBothStreams) {
  Spawn(Scripts({"printf out; printf error >&2"}));
  ASSERT_TRUE(AwaitFinished());
  EXPECT_EQ(Output(0), "out");
  EXPECT_EQ(Output(0, true), "error");
  EXPECT_EQ(log_.Exit(0).out_bytes, 3);
  EXPECT_EQ(log_.Exit(0).err_bytes, 5);
  EXPECT_EQ((log_.lengths[{0, true}]), 5);
}

TEST_F(ShimTest, LeavesNoFileForARankThatWroteNothing) {
  Spawn(Scripts({"true"}));
  ASSERT_TRUE(AwaitFinished());
  EXPECT_TRUE(ListDir(Path(kLogsDir))->empty());
}

TEST_F(ShimTest, NamesAMissingProgram) {
  ShimPlan plan = Scripts({"sleep 100", "true"});
  plan.ranks[1].argv = {"no-such-program"};
  Spawn(plan);
  ASSERT_TRUE(AwaitFinished());
  EXPECT_FALSE(log_.Exit(1).started);
  EXPECT_EQ(log_.Exit(1).error,
            "cannot start 'no-such-program': No such file or directory; it is not in the PATH of "
            "the rank");
  EXPECT_FALSE(log_.Exit(1).not_executable);
  EXPECT_TRUE(log_.Exit(0).stopped);
}

TEST_F(ShimTest, TellsAProgramThatCannotBeExecutedFromAMissingOne) {
  ASSERT_TRUE(WriteFile(Path("plain.txt"), "no program\n", 0600).ok());
  ShimPlan plan = Scripts({"true"});
  plan.ranks[0].argv = {Path("plain.txt")};
  Spawn(plan);
  ASSERT_TRUE(AwaitFinished());
  EXPECT_FALSE(log_.Exit(0).started);
  EXPECT_TRUE(log_.Exit(0).not_executable);
  EXPECT_NE(log_.Exit(0).error.find("Permission denied; it must be"), std::string::npos)
      << log_.Exit(0).error;
}

TEST_F(ShimTest, NamesAMissingWorkdirAndStartsNoFurtherRank) {
  ShimPlan plan = Scripts({"true", "touch started"});
  plan.ranks[0].workdir = "/no/such/dir";
  Spawn(plan);
  ASSERT_TRUE(AwaitFinished());
  EXPECT_EQ(log_.Exit(0).error,
            "cannot start '/bin/sh': workdir '/no/such/dir': No such file or directory");
  EXPECT_FALSE(log_.Exit(1).started);
  EXPECT_FALSE(PathExists(Path("started")));
}

TEST_F(ShimTest, StartsNothingOnceTheLeaseHasRunOut) {
  ShimPlan plan = Scripts({"touch started"});
  plan.fence_until_ns = 1;  // It came to a host that slept.
  Spawn(plan);
  client_->SetLease(/*epoch=*/1, absl::Nanoseconds(2), absl::ZeroDuration());
  ASSERT_TRUE(AwaitFinished());
  EXPECT_FALSE(log_.Exit(0).started);
  EXPECT_TRUE(log_.Exit(0).stopped);
  EXPECT_FALSE(PathExists(Path("started")));
}

TEST_F(ShimTest, AsksForTheLeaseThatWasRenewedWhileThePlanWasWritten) {
  ShimPlan plan = Scripts({"exit 3"});
  plan.fence_until_ns = 1;
  Spawn(plan);
  client_->SetLease(/*epoch=*/1, Clock::Real()->Boot() + absl::Minutes(1), absl::ZeroDuration());
  ASSERT_TRUE(AwaitFinished());
  EXPECT_EQ(log_.Exit(0).code, 3);
}

TEST_F(ShimTest, FindsTheProgramInThePathOfTheRank) {
  ShimPlan plan = Scripts({"true"});
  ASSERT_TRUE(WriteFile(Path("tool"), "#!/bin/sh\necho found\n", 0700).ok());
  ASSERT_EQ(chmod(Path("tool").c_str(), 0700), 0);
  plan.ranks[0].argv = {"tool"};
  plan.ranks[0].env = {absl::StrCat("PATH=/nowhere:", dir_)};
  Spawn(plan);
  ASSERT_TRUE(AwaitFinished());
  EXPECT_EQ(Output(0), "found\n");
}

TEST_F(ShimTest, GivesTheRankItsLimitsMaskDirectoryAndNothingElse) {
  ShimPlan plan = Scripts({"ulimit -n; umask; pwd; ls /proc/self/fd | wc -w; cat; echo $0 $X"});
  plan.rlimits = {{RLIMIT_NOFILE, 77}};
  plan.umask = 027;
  plan.ranks[0].env.push_back("X=y");
  plan.ranks[0].stdin_path = Path("input");
  ASSERT_TRUE(WriteFile(Path("input"), "typed\n").ok());
  Spawn(plan);
  ASSERT_TRUE(AwaitFinished());
  // 0, 1, 2, and the one by which ls reads the directory.
  EXPECT_EQ(Output(0), absl::StrCat("77\n0027\n", dir_, "\n4\ntyped\n/bin/sh y\n"));
}

TEST_F(ShimTest, StopsTheOthersAtTheFirstFailure) {
  Spawn(Scripts({"sleep 1000", "exit 3", "sleep 1000"}));
  ASSERT_TRUE(AwaitFinished());
  EXPECT_EQ(log_.exits[0].index, 1);
  EXPECT_EQ(log_.Exit(0).signal, SIGTERM);
  EXPECT_TRUE(log_.Exit(0).stopped);
  EXPECT_FALSE(log_.Exit(1).stopped);
}

TEST_F(ShimTest, KillsWhatIgnoresTheTermAfterTheGrace) {
  ShimPlan plan = Scripts({"trap '' TERM; echo ready; while :; do sleep 1000; done"});
  Spawn(plan);
  client_->Subscribe(0, false, true);
  ASSERT_TRUE(Await([this] { return log_.lengths[{0, false}] == 6; }));
  const absl::Time before = absl::Now();
  client_->Stop(absl::Milliseconds(100));
  ASSERT_TRUE(AwaitFinished());
  EXPECT_EQ(log_.Exit(0).signal, SIGKILL);
  EXPECT_GE(absl::Now() - before, absl::Milliseconds(100));
}

TEST_F(ShimTest, EndsGrandchildrenThatHaveTheirOwnSession) {
  ShimPlan plan =
      Scripts({"setsid sh -c 'trap \"\" TERM; echo $$ > pid; exec sleep 1000' & "
               "while [ ! -s pid ]; do sleep 0.01; done"});
  plan.stop_grace_ms = 100;
  Spawn(plan);
  ASSERT_TRUE(Await([this] { return !log_.exits.empty(); }));
  client_->Stop(absl::Milliseconds(100));
  ASSERT_TRUE(AwaitFinished());
  int pid = 0;
  ASSERT_TRUE(absl::SimpleAtoi(Contents(Path("pid")), &pid));
  EXPECT_FALSE(Lives(pid));
}

TEST_F(ShimTest, KeepsAFloodByteForByteOverManySegments) {
  ShimPlan plan = Scripts({"seq 1 200000"});
  plan.segment_size = 64 << 10;
  Spawn(plan);
  ASSERT_TRUE(AwaitFinished());
  std::string expected;
  for (int i = 1; i <= 200000; ++i) absl::StrAppend(&expected, i, "\n");
  EXPECT_TRUE(Output(0) == expected) << Output(0).size() << " of " << expected.size() << " bytes";
  EXPECT_EQ(log_.Exit(0).out_bytes, static_cast<int64_t>(expected.size()));
  EXPECT_GT(ListDir(Path(kLogsDir))->size(), 10u);
}

TEST_F(ShimTest, DropsTheOldestSegmentsWithAGapRecord) {
  ShimPlan plan = Scripts({"seq 1 100000"});
  plan.segment_size = 32 << 10;
  plan.max_size = 128 << 10;
  plan.log_full = LogFull::kDropOldest;
  Spawn(plan);
  ASSERT_TRUE(AwaitFinished());
  const std::vector<LogRecord> index =
      DecodeLogIndex(Contents(Path(absl::StrCat("logs/", IndexName("worker-0.out")))));
  int64_t dropped = 0;
  for (const LogRecord& record : index) {
    if (record.kind != LogRecordKind::kGap) continue;
    EXPECT_EQ(record.reason, GapReason::kDroppedOldest);
    dropped += record.length;
  }
  const std::string kept = Output(0);
  EXPECT_LE(kept.size(), 128u << 10);
  EXPECT_EQ(dropped + static_cast<int64_t>(kept.size()), log_.Exit(0).out_bytes);
  EXPECT_TRUE(absl::EndsWith(kept, "\n99999\n100000\n"));
}

TEST_F(ShimTest, DropsNewOutputWithAGapRecord) {
  ShimPlan plan = Scripts({"seq 1 100000"});
  plan.segment_size = 32 << 10;
  plan.max_size = 64 << 10;
  plan.log_full = LogFull::kDropNew;
  Spawn(plan);
  ASSERT_TRUE(AwaitFinished());
  EXPECT_EQ(Output(0).size(), 64u << 10);
  EXPECT_TRUE(absl::StartsWith(Output(0), "1\n2\n3\n"));
  const std::vector<LogRecord> index =
      DecodeLogIndex(Contents(Path(absl::StrCat("logs/", IndexName("worker-0.out")))));
  EXPECT_EQ(index.back().reason, GapReason::kDroppedNew);
  EXPECT_EQ(index.back().offset, 64 << 10);
  EXPECT_EQ(index.back().offset + index.back().length, log_.lengths[std::make_pair(0, false)]);
}

TEST_F(ShimTest, WritesTheUsersFileWithBothStreamsInOrder) {
  ShimPlan plan = Scripts({"echo a; echo b >&2; echo c"});
  plan.ranks[0].out_path = plan.ranks[0].err_path = Path("user/deep/worker.log");
  Spawn(plan);
  ASSERT_TRUE(AwaitFinished());
  EXPECT_EQ(Contents(Path("user/deep/worker.log")), "a\nb\nc\n");
  EXPECT_EQ(log_.Exit(0).out_bytes, 6);
  EXPECT_EQ(log_.Exit(0).err_bytes, 0);
}

TEST_F(ShimTest, ReplacesTheUsersFileFirstAndAppendsAfterARestart) {
  ASSERT_TRUE(WriteFile(Path("log"), "old").ok());
  ShimPlan plan = Scripts({"echo new"});
  plan.ranks[0].out_path = Path("log");
  plan.attempt = 1;
  Spawn(plan);
  ASSERT_TRUE(AwaitFinished());
  EXPECT_EQ(Contents(Path("log")), "oldnew\n");
  const std::vector<LogRecord> index =
      DecodeLogIndex(Contents(Path(absl::StrCat("logs/", IndexName("worker-0.out")))));
  ASSERT_FALSE(index.empty());
  EXPECT_EQ(index[0].kind, LogRecordKind::kFile);
  EXPECT_EQ(index[0].offset, 0);
  EXPECT_EQ(index[0].length, 3);
}

TEST_F(ShimTest, MakesEmptyFilesWhereTheContractWantsThem) {
  ShimPlan plan = Scripts({"true"});
  plan.ranks[0].out_path = Path("log");
  plan.ranks[0].create_empty = true;
  Spawn(plan);
  ASSERT_TRUE(AwaitFinished());
  EXPECT_TRUE(PathExists(Path("log")));
}

TEST_F(ShimTest, GivesATerminal) {
  ShimPlan plan = Scripts({"[ -t 1 ] && [ -t 2 ] && echo tty; echo end >&2"});
  plan.tty = true;
  Spawn(plan);
  ASSERT_TRUE(AwaitFinished());
  EXPECT_EQ(Output(0), "tty\nend\n");
}

TEST_F(ShimTest, Runs64Ranks) {
  ShimPlan plan = Scripts(std::vector<std::string>(64, "echo $MUSTER_RANK; exit 0"));
  for (int i = 0; i < 64; ++i) plan.ranks[i].env.push_back(absl::StrCat("MUSTER_RANK=", i));
  Spawn(plan);
  ASSERT_TRUE(AwaitFinished());
  EXPECT_EQ(log_.exits.size(), 64u);
  for (int i = 0; i < 64; ++i) EXPECT_EQ(Output(i), absl::StrCat(i, "\n"));
}

TEST_F(ShimTest, GoesOnWithoutTheAgentAndReplaysToTheNext) {
  Spawn(Scripts({"echo one; while [ ! -e go ]; do sleep 0.01; done; echo two; exit 0", "exit 0"}));
  client_->Subscribe(0, false, true);
  ASSERT_TRUE(Await([this] { return log_.exits.size() == 1 && log_.lengths[{0, false}] == 4; }));
  const int pid = log_.pids[{0, 0}];
  client_.reset();
  log_ = EventLog();
  absl::StatusOr<std::unique_ptr<ShimClient>> again =
      ShimClient::Connect({"", dir_, ""}, &loop_, &log_);
  ASSERT_TRUE(again.ok()) << again.status();
  client_ = *std::move(again);
  ASSERT_TRUE(Await([this] { return !log_.exits.empty(); }));
  EXPECT_EQ((log_.pids[{0, 0}]), pid);
  EXPECT_EQ((log_.lengths[{0, false}]), 4);
  ASSERT_TRUE(WriteFile(Path("go"), "").ok());
  ASSERT_TRUE(AwaitFinished());
  EXPECT_EQ(Output(0), "one\ntwo\n");
}

TEST_F(ShimTest, FinishesWithoutAnyAgentAndLeavesTheRecord) {
  Spawn(Scripts({"exit 5"}));
  client_.reset();
  absl::StatusOr<GangRecord> record = absl::UnavailableError("");
  ASSERT_TRUE(Await([&] {
    record = ReadGangRecord(dir_);
    return record.ok() && record->finished;
  }));
  ASSERT_EQ(record->exits.size(), 1u);
  EXPECT_EQ(record->exits[0].code, 5);
  ASSERT_TRUE(Await([this] { return !ShimClient::Connect({"", dir_, ""}, &loop_, &log_).ok(); }));
  EXPECT_EQ(ShimClient::Connect({"", dir_, ""}, &loop_, &log_).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(ShimTest, TheNewestConnectionWins) {
  Spawn(Scripts({"while [ ! -e go ]; do sleep 0.01; done"}));
  ASSERT_TRUE(Await([this] { return !log_.pids.empty(); }));
  EventLog second;
  absl::StatusOr<std::unique_ptr<ShimClient>> newest =
      ShimClient::Connect({"", dir_, ""}, &loop_, &second);
  ASSERT_TRUE(newest.ok());
  ASSERT_TRUE(Await([this] { return log_.gone > 0; }));
  ASSERT_TRUE(WriteFile(Path("go"), "").ok());
  ASSERT_TRUE(Await([&second] { return second.finished > 0; }));
}

// An agent died right after it had started a shim; the next one starts another, and is at once told
// to stop the gang.
TEST_F(ShimTest, AStopReachesTheShimThatWasThereFirst) {
  Spawn(Scripts({"exec sleep 1000"}));
  ASSERT_TRUE(Await([this] { return !log_.pids.empty(); }));
  client_.reset();
  log_ = EventLog();
  absl::StatusOr<std::unique_ptr<ShimClient>> second =
      ShimClient::Spawn({ShimPath(), dir_, ""}, &loop_, &log_);
  ASSERT_TRUE(second.ok()) << second.status();
  client_ = *std::move(second);
  client_->Stop(absl::Seconds(5));
  ASSERT_TRUE(AwaitFinished());
  ASSERT_EQ(log_.exits.size(), 1u);
  EXPECT_TRUE(log_.exits[0].stopped);
}

TEST_F(ShimTest, ASuccessorKeepsExitsAndOutputOfADeadShim) {
  ShimPlan plan =
      Scripts({"echo before; while [ ! -e go ]; do sleep 0.01; done; echo after; exit 9",
               "while [ ! -e go ]; do sleep 0.01; done; kill -TERM $$"});
  plan.stop_gang = false;
  Spawn(plan);
  client_->Subscribe(0, false, true);
  ASSERT_TRUE(Await([this] { return log_.lengths[{0, false}] == 7 && log_.pids.size() == 2; }));
  KillShim();
  ASSERT_TRUE(Await([this] { return log_.gone > 0; }));
  log_ = EventLog();
  absl::StatusOr<std::unique_ptr<ShimClient>> taken =
      ShimClient::Takeover({ShimPath(), dir_, ""}, &client_, &loop_, &log_);
  ASSERT_TRUE(taken.ok()) << taken.status();
  client_ = *std::move(taken);
  ASSERT_TRUE(Await([this] { return log_.pids.size() == 2; }));
  ASSERT_TRUE(WriteFile(Path("go"), "").ok());
  ASSERT_TRUE(AwaitFinished());
  EXPECT_EQ(Output(0), "before\nafter\n");
  if (log_.Exit(0).known) {
    EXPECT_EQ(log_.Exit(0).code, 9);
  }
  if (log_.Exit(1).known) {
    EXPECT_EQ(log_.Exit(1).signal, SIGTERM);
  }
  // Linux >= 6.15 tells, when whoever inherited the ranks reaps them.
  EXPECT_TRUE(log_.Exit(0).known && log_.Exit(1).known);
}

TEST_F(ShimTest, ASuccessorWithoutDescriptorsEndsTheGang) {
  ShimPlan plan = Scripts({"echo up; sleep 1000", "sleep 1000"});
  plan.stop_grace_ms = 200;
  Spawn(plan);
  ASSERT_TRUE(Await([this] { return log_.pids.size() == 2; }));
  const int pid = log_.pids[{1, 0}];
  client_.reset();
  KillShim();
  log_ = EventLog();
  absl::StatusOr<std::unique_ptr<ShimClient>> taken =
      ShimClient::Takeover({ShimPath(), dir_, ""}, nullptr, &loop_, &log_);
  ASSERT_TRUE(taken.ok()) << taken.status();
  client_ = *std::move(taken);
  ASSERT_TRUE(AwaitFinished());
  EXPECT_FALSE(Lives(pid));
  EXPECT_EQ(log_.exits.size(), 2u);
}

TEST_F(ShimTest, RunsARankAgainAlsoAfterItsShimHasEnded) {
  ShimPlan plan = Scripts({"echo life; exit 1"});
  plan.stop_gang = false;
  Spawn(plan);
  ASSERT_TRUE(AwaitFinished());
  client_->RestartRank(0, 1);
  ASSERT_TRUE(Await([this] { return log_.finished == 2; }));
  EXPECT_EQ(log_.Exit(0).restart, 1);
  EXPECT_EQ(Output(0), "life\nlife\n");
}

TEST_F(ShimTest, RunsARankAgainWhileOthersRunOn) {
  ShimPlan plan = Scripts({"echo life; exit 1", "while [ ! -e go ]; do sleep 0.01; done"});
  plan.stop_gang = false;
  Spawn(plan);
  ASSERT_TRUE(Await([this] { return log_.exits.size() == 1; }));
  client_->RestartRank(0, 1);
  client_->RestartRank(0, 1);
  ASSERT_TRUE(Await([this] { return log_.exits.size() == 2; }));
  ASSERT_TRUE(WriteFile(Path("go"), "").ok());
  ASSERT_TRUE(AwaitFinished());
  EXPECT_EQ(log_.exits.size(), 3u);
  EXPECT_EQ(Output(0), "life\nlife\n");
}

// Where a shim dies, and what its successor must then say of a rank that exits 6.
TEST_F(ShimTest, NeverTellsAWrongExitWhereverTheShimDies) {
  for (const char* place : {"shim.before_spawn:2", "shim.after_spawn:2", "shim.before_journal",
                            "shim.after_journal", "shim.after_reap", "shim.before_finish"}) {
    SCOPED_TRACE(place);
    ASSERT_TRUE(RemoveTree(dir_).ok());
    ASSERT_TRUE(MakeDirs(dir_).ok());
    log_ = EventLog();
    ShimPlan plan = Scripts({"sleep 0.05; exit 6", "sleep 0.05; exit 6"});
    plan.stop_gang = false;
    plan.stop_grace_ms = 1000;
    setenv("MUSTER_FAILPOINT", place, 1);
    Spawn(plan);
    unsetenv("MUSTER_FAILPOINT");
    ASSERT_TRUE(Await([this] { return log_.gone > 0; }));
    absl::StatusOr<std::unique_ptr<ShimClient>> taken =
        ShimClient::Takeover({ShimPath(), dir_, ""}, &client_, &loop_, &log_);
    ASSERT_TRUE(taken.ok()) << taken.status();
    client_ = *std::move(taken);
    ASSERT_TRUE(Await([this] { return log_.finished > 0; }));
    for (int rank = 0; rank < 2; ++rank) {
      const RankExit exit = log_.Exit(rank);
      const bool right = exit.code == 6 || (exit.stopped && exit.signal == SIGTERM);
      EXPECT_TRUE(right || !exit.known)
          << rank << " code " << exit.code << " signal " << exit.signal;
    }
    const absl::StatusOr<GangRecord> record = ReadGangRecord(dir_);
    ASSERT_TRUE(record.ok()) << record.status();
    EXPECT_TRUE(record->finished);
    EXPECT_TRUE(record->running.empty());
    EXPECT_EQ(record->exits.size(), 2u);
  }
}

// A cgroup of the test's own in the v2 tree, where there is one.
class CgroupShimTest : public GangTest {
 protected:
  CgroupShimTest() {
    for (const char* root : {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"}) {
      if (!PathExists(absl::StrCat(root, "/cgroup.procs"))) continue;
      cgroup_ = absl::StrCat(root, "/muster_shim_test_", getpid());
      if (mkdir(cgroup_.c_str(), 0755) == 0) return;
      cgroup_.clear();
    }
  }
  ~CgroupShimTest() override {
    if (!cgroup_.empty()) rmdir(cgroup_.c_str());
  }
  std::string cgroup_;
};

TEST_F(CgroupShimTest, StartsAndEndsRanksInTheirCgroup) {
  if (cgroup_.empty()) GTEST_SKIP() << "no cgroup v2 tree that this user may write";
  ShimPlan plan = Scripts(
      {"trap '' TERM; setsid sleep 1000 & setsid sleep 1000 & echo up; wait", "sleep 1000"});
  plan.ranks_cgroup = cgroup_;
  Spawn(plan);
  client_->Subscribe(0, false, true);
  ASSERT_TRUE(Await([this] { return log_.lengths[{0, false}] == 3 && log_.pids.size() == 2; }));
  const std::string members = Contents(absl::StrCat(cgroup_, "/cgroup.procs"));
  EXPECT_TRUE(absl::StrContains(members, absl::StrCat(log_.pids[{0, 0}], "\n")));
  EXPECT_TRUE(absl::StrContains(members, absl::StrCat(log_.pids[{1, 0}], "\n")));
  client_->Stop(absl::Milliseconds(50));
  ASSERT_TRUE(AwaitFinished());
  EXPECT_EQ(Contents(absl::StrCat(cgroup_, "/cgroup.procs")), "");
  EXPECT_EQ(log_.Exit(0).signal, SIGKILL);
}

// Linux 6.18 kills at its birth what is cloned into a cgroup that cgroup.kill was written to.
TEST_F(CgroupShimTest, StartsShimAndRanksInACgroupThatWasKilledBefore) {
  if (cgroup_.empty()) GTEST_SKIP() << "no cgroup v2 tree that this user may write";
  const std::string kill = absl::StrCat(cgroup_, "/cgroup.kill");
  if (!PathExists(kill)) GTEST_SKIP() << "this kernel has no cgroup.kill";
  FILE* const file = fopen(kill.c_str(), "w");
  ASSERT_NE(file, nullptr);
  fputs("1", file);
  ASSERT_EQ(fclose(file), 0);
  ShimPlan plan = Scripts({"sleep 1000", "exit 3"});
  plan.ranks_cgroup = cgroup_;
  plan.stop_gang = false;
  WritePlan(plan);
  absl::StatusOr<std::unique_ptr<ShimClient>> client =
      ShimClient::Spawn({ShimPath(), dir_, cgroup_}, &loop_, &log_);
  ASSERT_TRUE(client.ok()) << client.status();
  client_ = *std::move(client);
  ASSERT_TRUE(Await([this] { return log_.pids.size() == 2 && log_.exits.size() == 1; }));
  EXPECT_EQ(log_.Exit(1).code, 3);
  const std::string members = Contents(absl::StrCat(cgroup_, "/cgroup.procs"));
  EXPECT_TRUE(absl::StrContains(members, absl::StrCat(log_.pids[{0, 0}], "\n")));
  EXPECT_TRUE(absl::StrContains(members, absl::StrCat(ShimPid(), "\n"))) << members;
  client_->Stop(absl::Milliseconds(50));
  // The shim as well, or the cgroup could not be removed.
  ASSERT_TRUE(Await([this] { return Contents(absl::StrCat(cgroup_, "/cgroup.procs")).empty(); }));
}

TEST_F(CgroupShimTest, NamesACgroupThatIsNotThere) {
  ShimPlan plan = Scripts({"true"});
  plan.ranks_cgroup = "/sys/fs/cgroup/no/such";
  Spawn(plan);
  ASSERT_TRUE(AwaitFinished());
  EXPECT_EQ(log_.Exit(0).error,
            "cannot start '/bin/sh': cgroup '/sys/fs/cgroup/no/such': No such file or directory");
}

TEST_F(ShimTest, RefusesADamagedPlan) {
  ASSERT_TRUE(WriteFile(Path(kPlanFile), "nonsense").ok());
  absl::StatusOr<std::unique_ptr<ShimClient>> client =
      ShimClient::Spawn({ShimPath(), dir_, ""}, &loop_, &log_);
  ASSERT_TRUE(client.ok());
  client_ = *std::move(client);
  ASSERT_TRUE(Await([this] { return log_.gone > 0; }));
  EXPECT_EQ(log_.gone_status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ShimTest, SaysSoWhenThereIsNoShimProgram) {
  WritePlan(Scripts({"true"}));
  const absl::Status status = ShimClient::Spawn({"/no/msshim", dir_, ""}, &loop_, &log_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
}

TEST_F(ShimTest, StaysBelow3MegabytesWith64Ranks) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's own memory comes on top";
#endif
  Spawn(Scripts(std::vector<std::string>(64, "while [ ! -e go ]; do sleep 0.1; done")));
  ASSERT_TRUE(Await([this] { return log_.pids.size() == 64; }));
  const std::string status = Contents(absl::StrCat("/proc/", ShimPid(), "/status"));
  const size_t at = status.find("VmRSS:");
  ASSERT_NE(at, std::string::npos);
  EXPECT_LE(atoi(status.c_str() + at + 6), 3 * 1024) << "kB resident";
  ASSERT_TRUE(WriteFile(Path("go"), "").ok());
  ASSERT_TRUE(AwaitFinished());
}

}  // namespace
}  // namespace muster
