// The ways to stop a gang.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "agent/task/gangs.h"
#include "common/base/fs.h"
#include "common/base/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/agent/task/gangs_fixture.h"

namespace muster {
namespace {

TEST_F(GangsTest, StopKillsWhatIgnoresTerm) {
  const v1::StartGangRequest request =
      Shells(1, "trap '' TERM; echo ready; while :; do sleep 1000; done");
  const std::string job = request.gang().job_id();
  ASSERT_TRUE(Start(request).ok());
  AwaitOutput(job, 0, "ready");
  ASSERT_TRUE(Stop(request, absl::Milliseconds(50)).ok());
  const v1::GangReport report = Finished(job);
  EXPECT_EQ(report.ranks(0).exit().signal(), SIGKILL);
  EXPECT_TRUE(report.ranks(0).exit().stopped());
  EXPECT_TRUE(Stop(request, absl::ZeroDuration()).ok()) << "an ended gang";
}

// A port that nobody uses.
uint32_t FreePort() {
  const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  return ntohs(address.sin_port);
}

TEST_F(GangsTest, APortThatAJobNamesIsHeldFromTheReservationToTheEnd) {
  v1::StartGangRequest first = Shells(1, "exec sleep 1000");
  v1::StartGangRequest second = Shells(1, "true");
  const uint32_t port = FreePort();
  for (v1::StartGangRequest* request : {&first, &second}) {
    request->mutable_placement()->mutable_nodes(0)->mutable_ranks(0)->add_fixed_ports(port);
  }
  const absl::StatusOr<v1::NodePlacement> granted = Reserve(first);
  ASSERT_TRUE(granted.ok()) << granted.status();
  EXPECT_EQ(granted->SerializeAsString(), first.placement().nodes(0).SerializeAsString());
  const std::string refusal =
      absl::StrCat("port ", port, " is held by job ", first.gang().job_id());
  EXPECT_EQ(std::string(Reserve(second).status().message()).rfind(refusal, 0), 0u);
  ASSERT_TRUE(StartOnly(first).ok());
  Crash();
  Boot();
  EXPECT_EQ(std::string(Reserve(second).status().message()).rfind(refusal, 0), 0u);
  ASSERT_TRUE(Stop(first, absl::Seconds(5)).ok());
  Finished(first.gang().job_id());
  EXPECT_TRUE(Reserve(second).ok());
}

TEST_F(GangsTest, DevicesAreHeldFromTheReservationToTheEnd) {
  v1::StartGangRequest first = Shells(1, "exec sleep 1000");
  for (int i : {0, 1}) {
    v1::DeviceId* const device = first.mutable_placement()->mutable_nodes(0)->add_devices();
    device->set_kind("fake");
    device->set_physical(i);
  }
  v1::StartGangRequest second = Shells(1, "true");
  *second.mutable_placement()->mutable_nodes(0)->add_devices() =
      first.placement().nodes(0).devices(1);
  ASSERT_TRUE(Reserve(first).ok());
  ASSERT_TRUE(Reserve(first).ok()) << "may be repeated";
  EXPECT_TRUE(absl::IsResourceExhausted(Reserve(second).status()));
  ASSERT_TRUE(StartOnly(first).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(Reserve(second).status()));
  Crash();
  Boot();
  EXPECT_TRUE(absl::IsResourceExhausted(Reserve(second).status())) << "after a crash";
  ASSERT_TRUE(Stop(first, absl::Seconds(5)).ok());
  Finished(first.gang().job_id());
  EXPECT_TRUE(DevicesAreFree());
  EXPECT_TRUE(Reserve(second).ok());
  v1::ReleaseGangRequest release;
  *release.mutable_gang() = second.gang();
  thread_.Call([&] { EXPECT_TRUE(gangs_->Release(release).ok()); });
  EXPECT_TRUE(DevicesAreFree());
}

TEST_F(GangsTest, AStopRightAfterACrashInTheStartLeavesNothingBehind) {
  for (int i = 0; i < 20; ++i) {
    const v1::StartGangRequest request = Shells(1, "exec sleep 1000");
    ASSERT_TRUE(Start(request).ok());
    Crash();
    Boot();
    ASSERT_TRUE(Stop(request, absl::Seconds(5)).ok());
    const v1::GangReport report = Finished(request.gang().job_id());
    EXPECT_TRUE(report.ranks(0).exit().stopped()) << report.DebugString();
    if (report.ranks(0).pid() > 0) {
      EXPECT_FALSE(Runs(report.ranks(0).pid()));
    }
  }
}

TEST_F(GangsTest, RanksThatAStopKeptFromStartingHaveNotFailed) {
  const v1::StartGangRequest request = Shells(2, "exec sleep 1000");
  ASSERT_TRUE(Reserve(request).ok());
  started_.insert({request.gang().job_id(), 0});
  thread_.Call([&] {
    v1::StopGangRequest stop;
    *stop.mutable_gang() = request.gang();
    gangs_->Start(request, [](const absl::Status&) {});
    EXPECT_TRUE(gangs_->Stop(stop).ok());
  });
  const v1::GangReport report = Finished(request.gang().job_id());
  ASSERT_EQ(report.ranks_size(), 2);
  for (const v1::RankStatus& rank : report.ranks()) {
    EXPECT_TRUE(rank.exit().has_not_started());
    EXPECT_TRUE(rank.exit().stopped());
  }
}

TEST_F(GangsTest, AStopOfAGangThatNeverWasIsToldSoAndBarsItsStart) {
  const v1::StartGangRequest request = Shells(1, "true");
  EXPECT_TRUE(absl::IsNotFound(Stop(request, absl::ZeroDuration())));
  ASSERT_TRUE(Reserve(request).ok());
  EXPECT_TRUE(absl::IsNotFound(Stop(request, absl::ZeroDuration())));
  EXPECT_TRUE(absl::IsFailedPrecondition(StartOnly(request))) << "a start that was on its way";
}

// A gang whose shim does not run, but has not ended: frozen, or on a disk that does not answer.
class HungShimTest : public GangsTest {
 protected:
  // Rank 0 takes its leave when it is told to go; rank 1 does not.
  v1::StartGangRequest StartTwo() {
    v1::StartGangRequest request = Shells(2,
                                          "if [ $MUSTER_RANK = 1 ]; then trap '' TERM; "
                                          "else trap 'echo saved; exit 7' TERM; fi; "
                                          "echo ready; while :; do sleep 0.05; done");
    EXPECT_TRUE(Start(request).ok());
    EXPECT_TRUE(AwaitAllRunning(request.gang().job_id()));
    for (const int rank : {0, 1}) AwaitOutput(request.gang().job_id(), rank, "ready");
    return request;
  }
  pid_t HangShim(const v1::StartGangRequest& request) {
    const pid_t shim = FindShim(request.gang().job_id());
    EXPECT_GT(shim, 0);
    EXPECT_EQ(kill(shim, SIGSTOP), 0);
    return shim;
  }
  void ExpectStopped(const v1::StartGangRequest& request, pid_t shim) {
    const std::string job = request.gang().job_id();
    EXPECT_TRUE(AwaitGone(shim)) << "it holds the gang's lock";
    const v1::GangReport report = Finished(job);
    ASSERT_EQ(report.ranks_size(), 2);
    for (const v1::RankStatus& rank : report.ranks()) EXPECT_FALSE(Runs(rank.pid()));
    EXPECT_TRUE(report.ranks(1).exit().stopped()) << report.DebugString();
  }
};

TEST_F(HungShimTest, AStopGivesTheRanksTheirGraceAndEndsThem) {
  const v1::StartGangRequest request = StartTwo();
  const pid_t shim = HangShim(request);
  ASSERT_TRUE(Stop(request, absl::Seconds(2)).ok());
  ExpectStopped(request, shim);
  EXPECT_EQ(Output(request.gang().job_id(), 0), "ready\nsaved\n");
}

TEST_F(HungShimTest, AStopThatWasTakenEndsItAfterACrashToo) {
  const v1::StartGangRequest request = StartTwo();
  const pid_t shim = HangShim(request);
  ASSERT_TRUE(Stop(request, absl::Milliseconds(100)).ok());
  Crash();
  Boot();
  ExpectStopped(request, shim);
}

// A gang of which the shim is dead and cannot be replaced.
class NoSuccessorTest : public GangsTest {
 protected:
  NoSuccessorTest() {
    shim_path_ = tree_.Path("msshim");
    EXPECT_TRUE(WriteFile(shim_path_, *ReadFile(ShimPath()), 0755).ok());
  }

  // Two ranks, one of which ignores SIGTERM, and a child that has left their session.
  v1::StartGangRequest StartTwo() {
    v1::StartGangRequest request =
        Shells(2,
               "if [ $MUSTER_RANK = 1 ]; then trap '' TERM; setsid sleep 1000 & fi; "
               "echo ready; while :; do sleep 1000; done");
    v1::DeviceId* const device = request.mutable_placement()->mutable_nodes(0)->add_devices();
    device->set_kind("fake");
    device->set_physical(1);
    EXPECT_TRUE(Start(request).ok());
    EXPECT_TRUE(AwaitAllRunning(request.gang().job_id()));
    for (const int rank : {0, 1}) AwaitOutput(request.gang().job_id(), rank, "ready");
    return request;
  }
  void KillShim(const v1::StartGangRequest& request) {
    const pid_t shim = FindShim(request.gang().job_id());
    ASSERT_GT(shim, 0);
    ASSERT_EQ(kill(shim, SIGKILL), 0);
  }
  void ExpectEnded(const v1::StartGangRequest& request) {
    const v1::GangReport report = Finished(request.gang().job_id());
    ASSERT_EQ(report.ranks_size(), 2);
    for (const v1::RankStatus& rank : report.ranks()) {
      EXPECT_EQ(rank.state(), v1::RANK_STATE_UNKNOWN);
      EXPECT_NE(rank.exit().unknown().find("msshim had died"), std::string::npos);
      EXPECT_TRUE(rank.exit().stopped());
      ASSERT_GT(rank.pid(), 0);
      EXPECT_FALSE(Runs(rank.pid()));
    }
    EXPECT_EQ(CountMarked(request.gang().job_id()), 0);
    EXPECT_TRUE(DevicesAreFree());
  }
  // Processes with the job in their environment.
  static int CountMarked(const std::string& job_id) {
    int count = 0;
    const std::vector<std::string> names = ListDir("/proc").value();
    for (const std::string& name : names) {
      const absl::StatusOr<std::string> env = ReadFile(absl::StrCat("/proc/", name, "/environ"));
      if (env.ok() && env->find("MUSTER_JOB_ID=" + job_id) != std::string::npos) ++count;
    }
    return count;
  }
};

TEST_F(NoSuccessorTest, AStopEndsTheRanksThoughTheShimsProgramIsGone) {
  const v1::StartGangRequest request = StartTwo();
  ASSERT_EQ(unlink(shim_path_.c_str()), 0);
  KillShim(request);
  ASSERT_TRUE(Stop(request, absl::Milliseconds(100)).ok());
  ExpectEnded(request);
}

TEST_F(NoSuccessorTest, AStopEndsTheRanksThoughEveryShimRefuses) {
  const v1::StartGangRequest request = StartTwo();
  // As on a disk that cannot hold the journal any more.
  tree_.Write(absl::StrCat("state/jobs/", request.gang().job_id(), "/0/exits"),
              std::string(400, 'x'));
  KillShim(request);
  ASSERT_TRUE(Stop(request, absl::Milliseconds(100)).ok());
  const v1::GangReport report = Finished(request.gang().job_id());
  for (const v1::RankStatus& rank : report.ranks()) EXPECT_FALSE(Runs(rank.pid()));
  EXPECT_EQ(CountMarked(request.gang().job_id()), 0);
  EXPECT_TRUE(DevicesAreFree());
}

TEST_F(NoSuccessorTest, AStopThatWasTakenEndsTheRanksAfterACrashToo) {
  const v1::StartGangRequest request = StartTwo();
  ASSERT_EQ(unlink(shim_path_.c_str()), 0);
  KillShim(request);
  Crash();
  Boot();
  ASSERT_TRUE(Stop(request, absl::Minutes(10)).ok());
  Crash();
  Boot();
  ASSERT_TRUE(Stop(request, absl::ZeroDuration()).ok());
  ExpectEnded(request);
}

class NoSuccessorNoCgroupTest : public NoSuccessorTest {
 protected:
  NoSuccessorNoCgroupTest() { cgroup_root_ = "none"; }
};

TEST_F(NoSuccessorNoCgroupTest, AStopEndsTheRanksThoughTheShimsProgramIsGone) {
  const v1::StartGangRequest request = StartTwo();
  ASSERT_EQ(unlink(shim_path_.c_str()), 0);
  KillShim(request);
  ASSERT_TRUE(Stop(request, absl::Milliseconds(100)).ok());
  ExpectEnded(request);
}

}  // namespace
}  // namespace muster
