// What becomes of gangs when the lease of their host runs out, with real shims and ranks.
#include <poll.h>
#include <signal.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "agent/shim/kernel.h"
#include "agent/task/gangs.h"
#include "common/base/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/agent/task/gangs_fixture.h"

namespace muster {
namespace {

class GangsFenceTest : public GangsTest {
 protected:
  GangsFenceTest() { keeps_lease_ = true; }

  void Lease(absl::Duration left, int64_t epoch = 1) {
    thread_.Call([&] {
      gangs_->SetLease({epoch, Clock::Real()->Boot() + left, absl::Milliseconds(50)});
    });
  }
  pid_t PidOf(const std::string& job) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return reports_.at({job, 0}).ranks(0).pid();
  }
};

constexpr char kStubborn[] = "trap '' TERM; echo ready; while :; do sleep 1000; done";

TEST_F(GangsFenceTest, TheShimKeepsTheLeaseWhenTheAgentIsDead) {
  Lease(absl::Seconds(2));
  const v1::StartGangRequest request = Shells(1, kStubborn);
  const std::string job = request.gang().job_id();
  ASSERT_TRUE(Start(request).ok());
  AwaitOutput(job, 0, "ready");
  ASSERT_TRUE(AwaitAllRunning(job));
  const pid_t pid = PidOf(job);

  Crash();
  EXPECT_TRUE(AwaitGone(pid));
  Boot();

  const v1::GangReport report = Finished(job);
  EXPECT_EQ(report.ranks(0).exit().signal(), SIGKILL);
  EXPECT_TRUE(report.ranks(0).exit().stopped());
  EXPECT_TRUE(report.fenced());
}

TEST_F(GangsFenceTest, ARenewalReachesTheShim) {
  Lease(absl::Milliseconds(700));
  const v1::StartGangRequest request = Shells(1, "sleep 1; exit 3");
  ASSERT_TRUE(Start(request).ok());
  Lease(absl::Seconds(60));

  EXPECT_EQ(Finished(request.gang().job_id()).ranks(0).exit().code(), 3);
}

TEST_F(GangsFenceTest, OnPartitionContinueIsLeftAlone) {
  Lease(absl::Seconds(60));
  v1::StartGangRequest request = Shells(1, "sleep 0.5; exit 3");
  request.mutable_spec()->set_on_partition(v1::PARTITION_ACTION_CONTINUE);
  ASSERT_TRUE(Start(request).ok());
  Lease(-absl::Seconds(1));
  thread_.Call([this] { gangs_->Fence(); });

  const v1::GangReport report = Finished(request.gang().job_id());
  EXPECT_EQ(report.ranks(0).exit().code(), 3);
  EXPECT_FALSE(report.fenced());
}

TEST_F(GangsFenceTest, TheAgentStopsWhatIsFencedAndSaysSo) {
  Lease(absl::Seconds(60));
  const v1::StartGangRequest request = Shells(2, "exec sleep 1000");
  ASSERT_TRUE(Start(request).ok());
  Lease(-absl::Seconds(1));
  thread_.Call([this] { gangs_->Fence(); });

  const v1::GangReport report = Finished(request.gang().job_id());
  EXPECT_TRUE(report.fenced());
  EXPECT_TRUE(report.ranks(1).exit().stopped());
}

TEST_F(GangsFenceTest, ARenewalAfterTheEndFencesFirst) {
  Lease(absl::Seconds(60));
  const v1::StartGangRequest request = Shells(1, "exec sleep 1000");
  ASSERT_TRUE(Start(request).ok());
  Lease(-absl::Seconds(1));  // The timer has not come yet,
  Lease(absl::Seconds(60));  // and the answer is faster.

  EXPECT_TRUE(Finished(request.gang().job_id()).fenced());
}

TEST_F(GangsFenceTest, NothingIsTakenWhileTheLeaseIsOut) {
  Lease(-absl::Seconds(1));
  const v1::StartGangRequest request = Shells(1, "true");
  EXPECT_TRUE(absl::IsUnavailable(Reserve(request).status()));
  Lease(absl::Seconds(60));
  EXPECT_TRUE(Reserve(request).ok());
}

TEST_F(GangsFenceTest, AReservationDoesNotOutliveTheLease) {
  Lease(absl::Seconds(60));
  const v1::StartGangRequest request = Shells(1, "true");
  ASSERT_TRUE(Reserve(request).ok());
  Lease(-absl::Seconds(1));
  Lease(absl::Seconds(60));
  // A start that was long on its way: the scheduler may have given this host up meanwhile.
  EXPECT_TRUE(absl::IsFailedPrecondition(StartOnly(request)));
}

TEST_F(GangsFenceTest, AnAgentThatReturnsAfterTheEndFences) {
  Lease(absl::Seconds(60));
  v1::StartGangRequest request = Shells(1, "exec sleep 1000");
  ASSERT_TRUE(Start(request).ok());
  ASSERT_TRUE(AwaitAllRunning(request.gang().job_id()));
  Lease(-absl::Seconds(1));
  Crash();
  Boot();

  EXPECT_TRUE(Finished(request.gang().job_id()).fenced());
}

TEST_F(GangsFenceTest, AShimThatHangsFencesToo) {
  Lease(absl::Seconds(60));
  const v1::StartGangRequest request = Shells(1, kStubborn);
  const std::string job = request.gang().job_id();
  ASSERT_TRUE(Start(request).ok());
  AwaitOutput(job, 0, "ready");
  ASSERT_TRUE(AwaitAllRunning(job));
  const pid_t pid = PidOf(job);
  const pid_t shim = FindShim(job);
  ASSERT_EQ(kill(shim, SIGSTOP), 0);
  Lease(-absl::Seconds(1));
  thread_.Call([this] { gangs_->Fence(); });
  EXPECT_TRUE(AwaitGone(pid));
  ASSERT_EQ(kill(shim, SIGCONT), 0);

  const v1::GangReport report = Finished(job);
  EXPECT_EQ(report.ranks(0).exit().signal(), SIGKILL);
  EXPECT_TRUE(report.fenced());
}

// Of gangs that this agent does not take up.
class GangsAsideFenceTest : public GangsFenceTest {
 protected:
  void SetAside(const std::string& job) {
    Crash();
    tree_.Write(absl::StrCat("state/jobs/", job, "/0/tries"), "3\n");
    Boot();
    thread_.Call([&] { EXPECT_NE(gangs_->degraded(), ""); });
  }
};

TEST_F(GangsAsideFenceTest, ItsShimIsToldOfRenewals) {
  Lease(absl::Seconds(60));
  const v1::StartGangRequest request = Shells(1, "while [ ! -e go ]; do sleep 0.01; done; exit 3");
  const std::string job = request.gang().job_id();
  ASSERT_TRUE(Start(request).ok());
  ASSERT_TRUE(AwaitAllRunning(job));
  const pid_t pid = PidOf(job);
  Lease(absl::Seconds(4));
  SetAside(job);
  Lease(absl::Seconds(60));
  // Were it not told, its lease would end now.
  const UniqueFd pidfd(PidfdOpen(pid));
  pollfd gone = {pidfd.get(), POLLIN, 0};
  EXPECT_EQ(poll(&gone, 1, /*timeout=*/5000), 0);
  tree_.Write("go", "");

  const v1::GangReport report = Finished(job);
  EXPECT_EQ(report.ranks(0).exit().code(), 3) << report.DebugString();
  EXPECT_FALSE(report.fenced());
}

TEST_F(GangsAsideFenceTest, WithoutAShimTheAgentFencesIt) {
  Lease(absl::Seconds(60));
  const v1::StartGangRequest request = Shells(1, kStubborn);
  const std::string job = request.gang().job_id();
  ASSERT_TRUE(Start(request).ok());
  AwaitOutput(job, 0, "ready");
  ASSERT_TRUE(AwaitAllRunning(job));
  const pid_t pid = PidOf(job);
  const pid_t shim = FindShim(job);
  Crash();
  ASSERT_EQ(kill(shim, SIGKILL), 0);
  ASSERT_TRUE(AwaitGone(shim));
  SetAside(job);
  Lease(-absl::Seconds(1));
  thread_.Call([this] { gangs_->Fence(); });
  EXPECT_TRUE(AwaitGone(pid));
  EXPECT_TRUE(Finished(job).fenced());
}

TEST_F(GangsAsideFenceTest, OnPartitionContinueIsLeftAlone) {
  Lease(absl::Seconds(60));
  v1::StartGangRequest request =
      Shells(1, "echo ready; while [ ! -e go ]; do sleep 0.01; done; exit 3");
  request.mutable_spec()->set_on_partition(v1::PARTITION_ACTION_CONTINUE);
  const std::string job = request.gang().job_id();
  ASSERT_TRUE(Start(request).ok());
  ASSERT_TRUE(AwaitAllRunning(job));
  SetAside(job);
  Lease(-absl::Seconds(1));
  thread_.Call([this] { gangs_->Fence(); });
  tree_.Write("go", "");

  const v1::GangReport report = Finished(job);
  EXPECT_EQ(report.ranks(0).exit().code(), 3) << report.DebugString();
  EXPECT_FALSE(report.fenced());
}

}  // namespace
}  // namespace muster
