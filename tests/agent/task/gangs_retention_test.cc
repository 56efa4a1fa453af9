// Gangs that are over: how long they are kept, and how they are found.
#include <stdio.h>
#include <unistd.h>

#include <functional>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "agent/task/gangs.h"
#include "common/base/fs.h"
#include "gtest/gtest.h"
#include "tests/agent/task/gangs_fixture.h"
#include "tests/fakes/fake_clock.h"

namespace muster {
namespace {

TEST_F(GangsTest, AnAcknowledgedGangIsNotReportedAgain) {
  const v1::StartGangRequest request = Shells(1, "echo hello");
  const std::string job = request.gang().job_id();
  ASSERT_TRUE(Start(request).ok());
  const v1::GangReport report = Finished(job);
  thread_.Call([&] {
    gangs_->Acknowledge(job, 0, report.sequence() - 1);
    EXPECT_EQ(gangs_->Reports().size(), 1u);
    gangs_->Acknowledge(job, 0, report.sequence());
    EXPECT_TRUE(gangs_->Reports().empty());
  });
  Crash();
  Boot();
  thread_.Call([&] { EXPECT_TRUE(gangs_->Reports().empty()); });
  EXPECT_EQ(Output(job, 0), "hello\n");
  started_.clear();
}

// The answer to a report that came before may be read in the turn in which the gang ends.
TEST_F(GangsTest, AnAcknowledgementOfAnEarlierReportIsNotOneOfTheEnd) {
  // Its rank ends at once, what the rank has started a moment later, and the gang with that.
  const v1::StartGangRequest request = Shells(1, "sleep 0.3 & exit 3");
  const std::string job = request.gang().job_id();
  bool over = false;
  // In every turn of the loop the answer to the last report is there, before anything else.
  std::function<void()> answer = [&] {
    int64_t told = 0;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      const v1::GangReport& report = reports_[{job, 0}];
      if (!report.finished()) told = report.sequence();
    }
    if (told > 0) gangs_->Acknowledge(job, 0, told);
    if (!over) thread_.loop()->Post(answer);
  };
  thread_.loop()->Post(answer);
  ASSERT_TRUE(Start(request).ok());
  Finished(job);

  thread_.Call([&] {
    over = true;
    ASSERT_EQ(gangs_->Reports().size(), 1u);
    EXPECT_EQ(gangs_->Reports()[0].ranks(0).exit().code(), 3);
  });
  thread_.Call([] {});  // The last answer has run.
  started_.clear();
}

struct HasFakeClock {
  FakeClock clock_;
};

// With a clock that only the test moves. Timers run when the loop wakes.
class RetentionTest : private HasFakeClock, public GangsTest {
 protected:
  RetentionTest() : GangsTest(&clock_) {}

  // A gang that ran, said hello and was acknowledged.
  v1::StartGangRequest Acknowledged() {
    const v1::StartGangRequest request = Shells(1, "echo hello");
    const std::string job = request.gang().job_id();
    EXPECT_TRUE(Start(request).ok());
    const v1::GangReport report = Finished(job);
    thread_.Call([&] { gangs_->Acknowledge(job, 0, report.sequence()); });
    // Another start answers when the disk has done all that was asked before it.
    EXPECT_TRUE(Start(Shells(1, "true")).ok());
    return request;
  }
  void JumpWall(absl::Duration time) { clock_.JumpWall(time); }
  void Pass(absl::Duration time) {
    clock_.Advance(time);
    for (int i = 0; i < 2; ++i) thread_.Call([] {});  // A turn for the timers, and one to be sure.
  }
};

TEST_F(RetentionTest, AGangThatIsOverIsStillThereWhenAskedFor) {
  const v1::StartGangRequest request = Acknowledged();
  Pass(absl::Minutes(2));
  EXPECT_EQ(Output(request.gang().job_id(), 0), "hello\n");
  EXPECT_TRUE(StartOnly(request).ok()) << "the first answer again";
  thread_.Call([&] {
    for (const v1::GangReport& report : gangs_->Reports()) {
      EXPECT_NE(report.job_id(), request.gang().job_id());
    }
  });
}

TEST_F(RetentionTest, AnAcknowledgementThatTheDiskRefusesIsWrittenLater) {
  const v1::StartGangRequest request = Shells(1, "true");
  const std::string job = request.gang().job_id();
  const std::string dir = tree_.Path("state/jobs/" + job);
  ASSERT_TRUE(Start(request).ok());
  const v1::GangReport report = Finished(job);
  ASSERT_TRUE(MakeDirs(dir + "/0/acked/in the way").ok());
  thread_.Call([&] { gangs_->Acknowledge(job, 0, report.sequence()); });
  EXPECT_TRUE(Start(Shells(1, "true")).ok());  // The disk has tried.
  ASSERT_EQ(rmdir((dir + "/0/acked/in the way").c_str()), 0);
  ASSERT_EQ(rmdir((dir + "/0/acked").c_str()), 0);
  Pass(absl::Minutes(2));
  EXPECT_TRUE(Start(Shells(1, "true")).ok());
  Pass(absl::Minutes(2));
  Pass(absl::Hours(24 * 8));
  Crash();  // Waits for the disk.
  EXPECT_FALSE(PathExists(dir));
  Boot();
  started_.erase({job, 0});
}

TEST_F(RetentionTest, AGangWhoseFilesCannotBeReadNowIsFoundLater) {
  const v1::StartGangRequest request = Acknowledged();
  const std::string job = request.gang().job_id();
  Pass(absl::Minutes(2));
  const std::string intent = tree_.Path("state/jobs/" + job + "/0/intent");
  ASSERT_EQ(rename(intent.c_str(), (intent + ".away").c_str()), 0);
  thread_.Call([&] {
    EXPECT_TRUE(absl::IsNotFound(gangs_->FindOutput(job, 0, "worker", 0, false).status()));
  });
  ASSERT_EQ(rename((intent + ".away").c_str(), intent.c_str()), 0);
  EXPECT_EQ(Output(job, 0), "hello\n");
}

TEST_F(RetentionTest, ATimeOfDayThatJumpsRemovesNothing) {
  const v1::StartGangRequest request = Acknowledged();
  const std::string job = request.gang().job_id();
  Pass(absl::Hours(2));
  JumpWall(absl::Hours(24 * 3652));
  Pass(absl::Minutes(2));
  EXPECT_EQ(Output(job, 0), "hello\n") << "read back from the disk, which knows the time of day";
  Pass(absl::Minutes(2));
  Pass(absl::Hours(24 * 6));
  EXPECT_EQ(Output(job, 0), "hello\n");
}

TEST_F(RetentionTest, FilesGoWhenTheyWereKeptForLongEnough) {
  const v1::StartGangRequest request = Acknowledged();
  const std::string dir = tree_.Path("state/jobs/" + request.gang().job_id());
  Pass(absl::Minutes(2));
  Pass(absl::Hours(24 * 6));
  EXPECT_TRUE(PathExists(dir));
  Pass(absl::Hours(24 * 2));
  // Its end is settled by the disk's thread, and each look after that takes one turn.
  for (int turn = 0; turn < 10000 && PathExists(dir); ++turn) Pass(absl::Minutes(1));
  EXPECT_FALSE(PathExists(dir));
  Crash();
  Boot();
  started_.erase({request.gang().job_id(), 0});
}

}  // namespace
}  // namespace muster
