#include "agent/task/gang_dir.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/fs.h"
#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

constexpr char kJob[] = "train-0a1b2c";

class GangDirTest : public testing::Test {
 protected:
  GangDir Make(int attempt = 0) { return *GangDir::Make(tree_.root(), kJob, attempt); }

  TempTree tree_;
};

Intent MakeIntent() {
  Intent intent;
  intent.request.mutable_gang()->set_job_id(kJob);
  intent.request.mutable_gang()->set_epoch(7);
  intent.request.mutable_spec()->add_command("line\nbreak");
  intent.boot_id = "boot-1";
  intent.boottime = absl::Nanoseconds(123456789);
  return intent;
}

TEST_F(GangDirTest, RefusesIdsThatLeadElsewhere) {
  for (const char* id : {"", ".", "..", "../x-0a1b2c", "a/b-0a1b2c", "/etc", "x", "x-0a1b2c/..",
                         "x\n-0a1b2c", "X-0a1b2c"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(GangDir::Make(tree_.root(), id, 0).status())) << id;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(GangDir::Make(tree_.root(), kJob, -1).status()));
}

TEST_F(GangDirTest, IntentReadsBackWhole) {
  const GangDir dir = Make();
  ASSERT_TRUE(dir.Create().ok());
  ASSERT_TRUE(dir.WriteIntent(MakeIntent(), /*durable=*/true).ok());
  const absl::StatusOr<Intent> intent = dir.ReadIntent();
  ASSERT_TRUE(intent.ok()) << intent.status();
  EXPECT_EQ(intent->request.SerializeAsString(), MakeIntent().request.SerializeAsString());
  EXPECT_EQ(intent->boot_id, "boot-1");
  EXPECT_EQ(intent->boottime, absl::Nanoseconds(123456789));
}

TEST_F(GangDirTest, AbsentAndDamagedIntentsAreToldApart) {
  const GangDir dir = Make();
  ASSERT_TRUE(dir.Create().ok());
  EXPECT_TRUE(absl::IsNotFound(dir.ReadIntent().status()));
  tree_.Write("jobs/train-0a1b2c/0/intent", "garbage");
  EXPECT_TRUE(absl::IsDataLoss(dir.ReadIntent().status()));
}

TEST_F(GangDirTest, CreateNamesEveryDirectoryThatGotAnEntry) {
  const std::vector<std::string> expected = {tree_.Path("jobs/train-0a1b2c/0"),
                                             tree_.Path("jobs/train-0a1b2c"), tree_.Path("jobs"),
                                             tree_.root()};
  EXPECT_EQ(*Make().Create(), expected);
}

TEST_F(GangDirTest, ListsGangsByJobThenAttemptAndNothingElse) {
  for (int attempt : {10, 9}) ASSERT_TRUE(Make(attempt).Create().ok());
  tree_.Write("jobs/other-ffffff/0/intent", "");
  tree_.Write("jobs/train-0a1b2c/07/intent", "");
  tree_.Write("jobs/train-0a1b2c/note", "");
  tree_.Write("jobs/.hidden/0/intent", "");
  tree_.Write("jobs/a-file", "");
  const std::vector<std::pair<std::string, int>> expected = {
      {"other-ffffff", 0}, {kJob, 9}, {kJob, 10}};
  EXPECT_EQ(*GangDir::List(tree_.root()), expected);
}

TEST_F(GangDirTest, ListIsEmptyBeforeTheFirstGang) {
  EXPECT_TRUE(GangDir::List(tree_.root())->empty());
}

TEST_F(GangDirTest, RemoveTakesTheJobsDirectoryWithItsLastAttempt) {
  ASSERT_TRUE(Make(0).Create().ok());
  ASSERT_TRUE(Make(1).Create().ok());
  ASSERT_TRUE(Make(0).Remove().ok());
  EXPECT_TRUE(PathExists(tree_.Path("jobs/train-0a1b2c")));
  ASSERT_TRUE(Make(1).Remove().ok());
  EXPECT_FALSE(PathExists(tree_.Path("jobs/train-0a1b2c")));
}

TEST_F(GangDirTest, QuarantineKeepsEveryDirectory) {
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(Make().Create().ok());
    ASSERT_TRUE(Make().Quarantine().ok());
  }
  EXPECT_FALSE(PathExists(Make().path()));
  EXPECT_TRUE(PathExists(tree_.Path("quarantine/train-0a1b2c-0.0")));
  EXPECT_TRUE(PathExists(tree_.Path("quarantine/train-0a1b2c-0.1")));
}

TEST_F(GangDirTest, StopReportAndAckAreAbsentUntilWritten) {
  const GangDir dir = Make();
  ASSERT_TRUE(dir.Create().ok());
  EXPECT_TRUE(absl::IsNotFound(dir.ReadStop().status()));
  EXPECT_TRUE(absl::IsNotFound(dir.ReadReport().status()));
  EXPECT_TRUE(absl::IsNotFound(dir.ReadAcked().status()));

  v1::GangReport report;
  report.set_job_id(kJob);
  report.set_finished(true);
  ASSERT_TRUE(dir.WriteStop(absl::Milliseconds(1500)).ok());
  ASSERT_TRUE(dir.WriteReport(report).ok());
  ASSERT_TRUE(dir.WriteAcked().ok());
  EXPECT_EQ(*dir.ReadStop(), absl::Milliseconds(1500));
  EXPECT_TRUE(dir.ReadReport()->finished());
  EXPECT_TRUE(dir.ReadAcked().ok());
}

TEST(BootIdTest, IsThatOfTheKernel) { EXPECT_EQ(BootId().size(), 36u); }

}  // namespace
}  // namespace muster
