// A gang from its start to its end.
#include "agent/task/gangs.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/fs.h"
#include "common/base/open_files.h"
#include "gtest/gtest.h"
#include "tests/agent/task/gangs_fixture.h"

namespace muster {
namespace {

TEST_F(GangsTest, ReportsEveryExitCodeAndKeepsEveryByte) {
  v1::StartGangRequest request =
      Shells(3, "echo out $MUSTER_RANK; echo err $MUSTER_RANK >&2; exit $MUSTER_RANK");
  request.mutable_spec()->set_on_failure(v1::FAILURE_ACTION_CONTINUE);
  const std::string job = request.gang().job_id();
  ASSERT_TRUE(Start(request).ok());
  const v1::GangReport report = Finished(job);
  EXPECT_EQ(report.error(), "");
  ASSERT_EQ(report.ranks_size(), 3);
  for (int i = 0; i < 3; ++i) {
    const v1::RankStatus& rank = report.ranks(i);
    EXPECT_EQ(rank.state(), v1::RANK_STATE_EXITED);
    ASSERT_TRUE(rank.exit().has_code());
    EXPECT_EQ(rank.exit().code(), i);
    EXPECT_GT(rank.pid(), 0);
    EXPECT_TRUE(rank.has_start_time() && rank.has_end_time());
    EXPECT_EQ(rank.stdout_bytes(), 6);
    EXPECT_EQ(Output(job, i), absl::StrCat("out ", i, "\n"));
    EXPECT_EQ(Output(job, i, /*is_stderr=*/true), absl::StrCat("err ", i, "\n"));
  }
}

TEST_F(GangsTest, TheShimLivesInALeafOfItsOwn) {
  const v1::StartGangRequest request = Shells(1, "exec sleep 1000");
  const std::string job = request.gang().job_id();
  ASSERT_TRUE(Start(request).ok());
  ASSERT_TRUE(AwaitAllRunning(job));
  const std::string cgroups = *ReadFile(absl::StrCat("/proc/", FindShim(job), "/cgroup"));
  const std::string ranks = "/" + job + "-0/ranks\n";
  pid_t rank = 0;
  thread_.Call([&] { rank = gangs_->Reports().at(0).ranks(0).pid(); });
  if (ReadFile(absl::StrCat("/proc/", rank, "/cgroup"))->find(ranks) == std::string::npos) {
    GTEST_SKIP() << "this host has no cgroups";
  }
  EXPECT_NE(cgroups.find("/" + job + "-0/shim\n"), std::string::npos) << cgroups;
}

TEST_F(GangsTest, TheFirstFailureStopsTheOthers) {
  const v1::StartGangRequest request = Shells(3, "[ $MUSTER_RANK = 1 ] && exit 3; exec sleep 1000");
  ASSERT_TRUE(Start(request).ok());
  const v1::GangReport report = Finished(request.gang().job_id());
  EXPECT_EQ(report.ranks(1).exit().code(), 3);
  EXPECT_FALSE(report.ranks(1).exit().stopped());
  for (int i : {0, 2}) {
    EXPECT_TRUE(report.ranks(i).exit().stopped());
    EXPECT_NE(report.ranks(i).exit().code(), 3);
  }
}

TEST_F(GangsTest, AFailureThatMayComeTooLateToMatterStopsNobodyHere) {
  v1::StartGangRequest request = Shells(
      3, "case $MUSTER_RANK in 1) exit 3;; 2) while [ ! -e go ]; do sleep 0.01; done;; esac");
  request.mutable_spec()->mutable_success()->set_rank(0);
  request.mutable_spec()->mutable_success()->set_clean_up(v1::CLEAN_UP_WAIT);
  const std::string job = request.gang().job_id();
  ASSERT_TRUE(Start(request).ok());
  ASSERT_TRUE(Await({job, 0}, [](const v1::GangReport& report) {
    return report.ranks(1).state() == v1::RANK_STATE_EXITED;
  }));
  tree_.Write("go", "");
  const v1::GangReport report = Finished(job);
  EXPECT_EQ(report.ranks(1).exit().code(), 3);
  EXPECT_EQ(report.ranks(2).exit().code(), 0) << report.ranks(2).DebugString();
  EXPECT_FALSE(report.ranks(2).exit().stopped());
}

TEST_F(GangsTest, TheSameStartTwiceRunsOnce) {
  const v1::StartGangRequest request = Shells(1, "echo life >> lives");
  ASSERT_TRUE(Start(request).ok());
  EXPECT_TRUE(StartOnly(request).ok());
  Finished(request.gang().job_id());
  EXPECT_TRUE(StartOnly(request).ok());
  EXPECT_EQ(*ReadFile(tree_.Path("lives")), "life\n");
}

TEST_F(GangsTest, TwoGangsDoNotMeet) {
  const v1::StartGangRequest a = Shells(2, "echo a; exit 0");
  v1::StartGangRequest b = Shells(2, "echo b; exit 4");
  b.mutable_spec()->set_on_failure(v1::FAILURE_ACTION_CONTINUE);
  ASSERT_TRUE(Start(a).ok());
  ASSERT_TRUE(Start(b).ok());
  EXPECT_EQ(Finished(a.gang().job_id()).ranks(0).exit().code(), 0);
  EXPECT_EQ(Output(a.gang().job_id(), 0), "a\n");
  EXPECT_EQ(Finished(b.gang().job_id()).ranks_size(), 2);
  EXPECT_EQ(Output(b.gang().job_id(), 0), "b\n");
}

TEST_F(GangsTest, AMissingProgramIsARankThatDidNotStart) {
  v1::StartGangRequest request = Shells(1, "");
  request.mutable_spec()->clear_command();
  request.mutable_spec()->add_command("/no/such/program");
  ASSERT_TRUE(Start(request).ok());
  const v1::GangReport report = Finished(request.gang().job_id());
  EXPECT_TRUE(report.ranks(0).exit().has_not_started());
  EXPECT_NE(report.ranks(0).exit().not_started().find("/no/such/program"), std::string::npos);
  EXPECT_EQ(Output(request.gang().job_id(), 0), "");
}

TEST_F(GangsTest, AMissingWorkdirEndsTheGangWithOneLine) {
  v1::StartGangRequest request = Shells(2, "true");
  request.mutable_spec()->set_workdir("/no/such/workdir");
  ASSERT_TRUE(Start(request).ok());
  const v1::GangReport report = Finished(request.gang().job_id());
  EXPECT_EQ(report.error(), "workdir /no/such/workdir: No such file or directory");
  EXPECT_EQ(report.ranks(1).exit().not_started(), report.error());
  EXPECT_FALSE(PathExists("/no/such"));
}

TEST_F(GangsTest, ALogDirectoryThatCannotBeMadeEndsTheGang) {
  tree_.Write("taken", "a file");
  v1::StartGangRequest request = Shells(1, "true");
  request.mutable_spec()->mutable_logs()->set_dir("taken/logs");
  ASSERT_TRUE(Start(request).ok());
  EXPECT_NE(Finished(request.gang().job_id()).error().find("logs.dir"), std::string::npos);
}

TEST_F(GangsTest, ASpecThatCannotBeRenderedIsRefusedAndLeavesNothing) {
  v1::StartGangRequest request = Shells(1, "true");
  request.mutable_spec()->set_contract("no-such-contract");
  EXPECT_TRUE(absl::IsInvalidArgument(Start(request)));
  EXPECT_FALSE(PathExists(tree_.Path("state/jobs/" + request.gang().job_id())));
}

TEST_F(GangsTest, AStartWithoutAReservationIsRefused) {
  EXPECT_TRUE(absl::IsFailedPrecondition(StartOnly(Shells(1, "true"))));
}

TEST_F(GangsTest, IdsThatLeadElsewhereAreRefused) {
  v1::StartGangRequest request = Shells(1, "true");
  request.mutable_gang()->set_job_id("../../evil-0a1b2c");
  EXPECT_TRUE(absl::IsInvalidArgument(Reserve(request).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(StartOnly(request)));
}

class NoShimTest : public GangsTest {
 protected:
  NoShimTest() { shim_path_ = "/no/such/msshim"; }
};

TEST_F(NoShimTest, TheGangEndsWithOneLineAndTheDevicesAreFree) {
  v1::StartGangRequest request = Shells(1, "true");
  v1::DeviceId* const device = request.mutable_placement()->mutable_nodes(0)->add_devices();
  device->set_kind("fake");
  device->set_physical(2);
  ASSERT_TRUE(Start(request).ok());
  const v1::GangReport report = Finished(request.gang().job_id());
  EXPECT_NE(report.error().find("/no/such/msshim"), std::string::npos) << report.error();
  EXPECT_TRUE(report.ranks(0).exit().has_not_started());
  EXPECT_TRUE(DevicesAreFree());
}

TEST_F(GangsTest, UserLogFilesAreTheLog) {
  v1::StartGangRequest request = Shells(2, "echo hello $MUSTER_RANK");
  request.mutable_spec()->mutable_logs()->set_dir("logs/of/mine");
  request.mutable_spec()->mutable_logs()->set_names("rank_{rank}.{stream}");
  const std::string job = request.gang().job_id();
  ASSERT_TRUE(Start(request).ok());
  Finished(job);
  EXPECT_EQ(*ReadFile(tree_.Path("logs/of/mine/rank_1.out")), "hello 1\n");
  EXPECT_EQ(Output(job, 1), "hello 1\n");
}

TEST_F(GangsTest, MemoryIsLimitedForAllRanksTogetherAndTheVictimIsNamed) {
  v1::StartGangRequest request = Shells(1, "exec tail /dev/zero");
  request.mutable_spec()->mutable_limits()->set_memory(32 << 20);
  ASSERT_TRUE(Start(request).ok());
  const v1::GangReport report = Finished(request.gang().job_id());
  if (report.error().find("no cgroup controller") != std::string::npos) {
    GTEST_SKIP() << report.error();
  }
  EXPECT_EQ(report.ranks(0).exit().signal(), SIGKILL);
  EXPECT_TRUE(report.ranks(0).exit().out_of_memory());
}

TEST_F(GangsTest, RanksHaveTheLimitOfOpenFilesThatTheAgentWasBornWith) {
  rlimit limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = 512;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  RaiseOpenFiles();  // As msagentd does.
  ASSERT_GT(sysconf(_SC_OPEN_MAX), 512);
  const v1::StartGangRequest request = Shells(1, "ulimit -Sn; ulimit -Hn");
  ASSERT_TRUE(Start(request).ok());
  EXPECT_EQ(Output(request.gang().job_id(), 0), absl::StrCat("512\n", limit.rlim_max, "\n"));
}

}  // namespace
}  // namespace muster
