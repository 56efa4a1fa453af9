// Ranks that start again alone, and attempts that follow each other.
#include <unistd.h>

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/task/gangs.h"
#include "common/base/ids.h"
#include "gtest/gtest.h"
#include "tests/agent/task/gangs_fixture.h"

namespace muster {
namespace {

TEST_F(GangsTest, ASecondAttemptWaitsForTheFirstToEnd) {
  const v1::StartGangRequest first = Shells(1, "exec sleep 1000");
  v1::StartGangRequest second = first;
  second.mutable_gang()->set_attempt(1);
  ASSERT_TRUE(Start(first).ok());
  ASSERT_TRUE(AwaitAllRunning(first.gang().job_id()));
  EXPECT_TRUE(absl::IsResourceExhausted(Reserve(second).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(StartOnly(second)));
  ASSERT_TRUE(Stop(first, absl::Seconds(5)).ok());
  Finished(first.gang().job_id());
  ASSERT_TRUE(Start(second).ok());
  EXPECT_TRUE(absl::IsAborted(StartOnly(first))) << "the older attempt is over";
}

TEST_F(GangsTest, ARankStartsAgainAlone) {
  v1::StartGangRequest request =
      Shells(2,
             "if [ $MUSTER_RANK = 0 ]; then [ -e again ] && exit 0; touch again; exit 9; fi; "
             "while [ ! -e go ]; do sleep 0.01; done");
  request.mutable_spec()->mutable_restart()->set_scope(v1::RESTART_SCOPE_RANK);
  request.mutable_spec()->mutable_restart()->set_max_restarts(1);
  const std::string job = request.gang().job_id();
  ASSERT_TRUE(Start(request).ok());
  ASSERT_TRUE(Await({job, 0}, [](const v1::GangReport& report) {
    return report.ranks(0).state() == v1::RANK_STATE_EXITED;
  }));
  v1::RestartRankRequest restart;
  *restart.mutable_gang() = request.gang();
  restart.set_role("worker");
  restart.set_restart(1);
  thread_.Call([&] {
    EXPECT_TRUE(gangs_->RestartRank(restart).ok());
    EXPECT_TRUE(gangs_->RestartRank(restart).ok()) << "may be repeated";
    restart.set_rank(1);
    EXPECT_TRUE(absl::IsFailedPrecondition(gangs_->RestartRank(restart)));
    restart.set_rank(2);
    EXPECT_TRUE(absl::IsNotFound(gangs_->RestartRank(restart)));
  });
  ASSERT_TRUE(Await({job, 0}, [](const v1::GangReport& report) {
    return report.ranks(0).restarts() == 1 && report.ranks(0).state() == v1::RANK_STATE_EXITED;
  }));
  tree_.Write("go", "");
  const v1::GangReport report = Finished(job);
  EXPECT_EQ(report.ranks(0).exit().code(), 0);
  EXPECT_EQ(report.ranks(1).exit().code(), 0);
}

// The gang of the last rank that fails waits for the scheduler's word, also over a crash.
TEST_F(GangsTest, TheLastRankMayStartAgainAlone) {
  v1::StartGangRequest request =
      Shells(1, "echo life $MUSTER_RANK_RESTARTS; [ -e 1 ] && touch 2; touch 1; [ -e 2 ]");
  request.mutable_spec()->mutable_restart()->set_scope(v1::RESTART_SCOPE_RANK);
  request.mutable_spec()->mutable_restart()->set_max_restarts(2);
  const auto ended = [](const v1::GangReport& report) {
    return report.ranks(0).state() == v1::RANK_STATE_EXITED;
  };
  for (const bool crash : {false, true}) {
    unlink(tree_.Path("1").c_str());
    unlink(tree_.Path("2").c_str());
    *request.mutable_gang() = Ref(NewJobId("gangs-test"));
    const std::string id = request.gang().job_id();
    ASSERT_TRUE(Start(request).ok());
    ASSERT_TRUE(Await({id, 0}, ended));
    if (crash) {
      Crash();
      Boot();
      ASSERT_TRUE(Await({id, 0}, ended));
    }
    v1::RestartRankRequest restart;
    *restart.mutable_gang() = request.gang();
    restart.set_role("worker");
    restart.set_restart(1);
    thread_.Call([&] { EXPECT_TRUE(gangs_->RestartRank(restart).ok()); });
    const v1::GangReport report = Finished(id);
    EXPECT_EQ(report.ranks(0).restarts(), 1);
    EXPECT_EQ(report.ranks(0).exit().code(), 0) << report.DebugString();
    EXPECT_EQ(Output(id, 0), "life 0\nlife 1\n");
  }
}

TEST_F(GangsTest, AStopEndsAGangThatWaitsForTheSchedulersWord) {
  v1::StartGangRequest request = Shells(1, "exit 7");
  request.mutable_spec()->mutable_restart()->set_scope(v1::RESTART_SCOPE_RANK);
  request.mutable_spec()->mutable_restart()->set_max_restarts(2);
  const std::string job = request.gang().job_id();
  ASSERT_TRUE(Start(request).ok());
  ASSERT_TRUE(Await({job, 0}, [](const v1::GangReport& report) {
    return report.ranks(0).state() == v1::RANK_STATE_EXITED;
  }));
  ASSERT_TRUE(Stop(request, absl::ZeroDuration()).ok());
  const v1::GangReport report = Finished(job);
  EXPECT_EQ(report.ranks(0).exit().code(), 7);
  EXPECT_FALSE(report.ranks(0).exit().stopped());
}

}  // namespace
}  // namespace muster
