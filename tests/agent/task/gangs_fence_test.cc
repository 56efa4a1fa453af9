// What becomes of gangs when the lease of their host runs out, with real shims and ranks.
#include <poll.h>
#include <signal.h>

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "agent/shim/kernel.h"
#include "agent/task/gangs.h"
#include "common/base/clock.h"
#include "common/base/fs.h"
#include "common/base/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/agent/task/gangs_fixture.h"

namespace muster {
namespace {

constexpr char kStubborn[] = "trap '' TERM; echo ready; while :; do sleep 1000; done";
constexpr char kUntilGo[] = "while [ ! -e go ]; do sleep 0.01; done; exit 3";

class GangsFenceTest : public GangsTest {
 protected:
  GangsFenceTest() { keeps_lease_ = true; }

  void Lease(absl::Duration left, int64_t epoch = 1) {
    thread_.Call([&] {
      gangs_->SetLease({epoch, Clock::Real()->Boot() + left, absl::Milliseconds(50)});
    });
  }
  // A gang whose lease is renewed shortly before its end, after `between`, outlives that end. On a
  // machine so busy that the renewal came too late, again with more time.
  void RenewInTime(const std::function<void(const std::string& job)>& between) {
    for (absl::Duration left = absl::Seconds(1); left < absl::Seconds(30); left *= 3) {
      Lease(absl::Seconds(60));
      const v1::StartGangRequest request = Shells(1, kUntilGo);
      const std::string job = request.gang().job_id();
      ASSERT_TRUE(Start(request).ok());
      ASSERT_TRUE(AwaitAllRunning(job));
      const UniqueFd pidfd(PidfdOpen(PidOf(job)));
      const absl::Duration end = Clock::Real()->Boot() + left;
      Lease(left);
      between(job);
      Lease(absl::Seconds(60));
      const bool in_time = Clock::Real()->Boot() < end;
      // Were the shim not told, its lease, and the grace, would end now.
      const absl::Duration rest = end - Clock::Real()->Boot() + absl::Milliseconds(200);
      pollfd gone = {pidfd.get(), POLLIN, 0};
      const int ended =
          in_time ? poll(&gone, 1, static_cast<int>(absl::ToInt64Milliseconds(rest))) : 0;
      tree_.Write("go", "");
      const v1::GangReport report = Finished(job);
      if (in_time) {
        EXPECT_EQ(ended, 0);
        EXPECT_EQ(report.ranks(0).exit().code(), 3) << report.DebugString();
        EXPECT_FALSE(report.fenced());
        return;
      }
      ASSERT_TRUE(RemoveTree(tree_.Path("go")).ok());
      thread_.Call([&] { gangs_->Acknowledge(job, 0, report.sequence()); });
    }
    FAIL() << "this machine takes longer than a lease to renew it";
  }
  pid_t PidOf(const std::string& job) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return reports_.at({job, 0}).ranks(0).pid();
  }
};

TEST_F(GangsFenceTest, TheShimKeepsTheLeaseWhenTheAgentIsDead) {
  Lease(absl::Seconds(60));
  const v1::StartGangRequest request = Shells(1, kStubborn);
  const std::string job = request.gang().job_id();
  ASSERT_TRUE(Start(request).ok());
  AwaitOutput(job, 0, "ready");
  ASSERT_TRUE(AwaitAllRunning(job));
  const pid_t pid = PidOf(job);

  Lease(absl::Milliseconds(500));  // Nothing but the shim looks at it: no Fence() is called.
  Crash();
  EXPECT_TRUE(AwaitGone(pid));
  Boot();

  const v1::GangReport report = Finished(job);
  EXPECT_EQ(report.ranks(0).exit().signal(), SIGKILL);
  EXPECT_TRUE(report.ranks(0).exit().stopped());
  EXPECT_TRUE(report.fenced());
}

TEST_F(GangsFenceTest, ARenewalReachesTheShim) {
  RenewInTime([](const std::string&) {});
}

TEST_F(GangsFenceTest, OnPartitionContinueIsLeftAlone) {
  Lease(absl::Seconds(60));
  v1::StartGangRequest request = Shells(1, kUntilGo);
  request.mutable_spec()->set_on_partition(v1::PARTITION_ACTION_CONTINUE);
  ASSERT_TRUE(Start(request).ok());
  Lease(-absl::Seconds(1));
  thread_.Call([this] { gangs_->Fence(); });
  tree_.Write("go", "");

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
  RenewInTime([this](const std::string& job) { SetAside(job); });
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
