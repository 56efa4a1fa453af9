#include "agent/task/recovery.h"

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "agent/task/gang_dir.h"
#include "common/base/fs.h"
#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

constexpr char kJob[] = "train-0a1b2c";

GangEvidence Begun() {
  GangEvidence evidence;
  evidence.begun = true;
  return evidence;
}

TEST(DecideTest, AReportedGangIsLeftAlone) {
  GangEvidence evidence = Begun();
  evidence.reported = true;
  evidence.same_boot = false;
  EXPECT_EQ(Decide(evidence), GangFate::kReported);
}

TEST(DecideTest, ALivingShimIsAdopted) {
  GangEvidence evidence = Begun();
  evidence.shim_lives = true;
  EXPECT_EQ(Decide(evidence), GangFate::kAdopt);
}

TEST(DecideTest, AShimThatHasJustTakenItsLockIsAdoptedToo) {
  GangEvidence evidence;
  evidence.shim_lives = true;
  EXPECT_EQ(Decide(evidence), GangFate::kAdopt);
}

TEST(DecideTest, ADeadShimIsReplaced) { EXPECT_EQ(Decide(Begun()), GangFate::kTakeOver); }

TEST(DecideTest, AnEndOnRecordIsBelievedAlsoAfterAReboot) {
  GangEvidence evidence = Begun();
  evidence.finished = true;
  EXPECT_EQ(Decide(evidence), GangFate::kConclude);
  evidence.same_boot = false;
  EXPECT_EQ(Decide(evidence), GangFate::kConclude);
}

TEST(DecideTest, ARebootLosesWhatRan) {
  GangEvidence evidence = Begun();
  evidence.same_boot = false;
  EXPECT_EQ(Decide(evidence), GangFate::kLost);
}

TEST(DecideTest, AFreshIntentIsCarriedOut) {
  GangEvidence evidence;
  evidence.intent_age = kResumeWithin;
  EXPECT_EQ(Decide(evidence), GangFate::kStart);
}

TEST(DecideTest, AnIntentThatCannotBeCarriedOutAnyMoreIsNotStarted) {
  GangEvidence old;
  old.intent_age = kResumeWithin + absl::Seconds(1);
  EXPECT_EQ(Decide(old), GangFate::kNotStarted);
  GangEvidence stopped;
  stopped.stop_taken = true;
  EXPECT_EQ(Decide(stopped), GangFate::kNotStarted);
  GangEvidence rebooted;
  rebooted.same_boot = false;
  EXPECT_EQ(Decide(rebooted), GangFate::kNotStarted);
}

class FindGangsTest : public testing::Test {
 protected:
  GangDir Add(int attempt) {
    const GangDir dir = *GangDir::Make(tree_.root(), kJob, attempt);
    EXPECT_TRUE(dir.Create().ok());
    Intent intent;
    intent.request.mutable_gang()->set_attempt(attempt);
    EXPECT_TRUE(dir.WriteIntent(intent, /*durable=*/false).ok());
    return dir;
  }
  FoundGangs Find() {
    return *FindGangs(tree_.root(), [this](const GangDir& dir) { return dir.attempt() == runs_; });
  }

  TempTree tree_;
  int runs_ = -1;  // The attempt that has processes.
};

TEST_F(FindGangsTest, FindsWhatEachGangHas) {
  Add(0);
  const GangDir dir = Add(1);
  v1::GangReport report;
  report.set_finished(true);
  ASSERT_TRUE(dir.WriteReport(report).ok());
  ASSERT_TRUE(dir.WriteAcked().ok());
  ASSERT_TRUE(dir.WriteStop(absl::Seconds(1)).ok());
  const FoundGangs found = Find();
  const std::vector<FoundGang>& gangs = found.gangs;
  ASSERT_EQ(gangs.size(), 2u);
  EXPECT_FALSE(gangs[0].report.has_value() || gangs[0].acked.has_value() ||
               gangs[0].stop.has_value());
  EXPECT_TRUE(gangs[1].report->finished());
  EXPECT_TRUE(gangs[1].acked.has_value());
  EXPECT_EQ(gangs[1].stop, absl::Seconds(1));
  EXPECT_TRUE(found.problems.empty());
}

TEST_F(FindGangsTest, AGangThatWasNeverBegunIsRemoved) {
  const GangDir dir = *GangDir::Make(tree_.root(), kJob, 0);
  ASSERT_TRUE(dir.Create().ok());
  EXPECT_TRUE(Find().gangs.empty());
  EXPECT_FALSE(PathExists(dir.path()));
}

TEST_F(FindGangsTest, ADamagedIntentIsQuarantinedAndTheOthersAreFound) {
  Add(0);
  tree_.Write("jobs/train-0a1b2c/1/intent", "garbage");
  const FoundGangs found = Find();
  EXPECT_EQ(found.gangs.size(), 1u);
  EXPECT_TRUE(found.aside.empty());
  EXPECT_EQ(found.problems.size(), 1u);
  EXPECT_TRUE(PathExists(tree_.Path("quarantine/train-0a1b2c-1.0/intent")));
}

TEST_F(FindGangsTest, WhatRunsIsSetAsideWhateverItsRecordLooksLike) {
  runs_ = 1;
  const GangDir dir = *GangDir::Make(tree_.root(), kJob, runs_);
  ASSERT_TRUE(dir.Create().ok());
  for (const char* intent : {"", "garbage"}) {
    if (*intent != '\0') tree_.Write("jobs/train-0a1b2c/1/intent", intent);
    const FoundGangs found = Find();
    EXPECT_TRUE(found.gangs.empty());
    ASSERT_EQ(found.aside.size(), 1u) << "intent: " << intent;
    EXPECT_EQ(found.aside[0].attempt(), 1);
    EXPECT_TRUE(PathExists(dir.path()));
  }
}

TEST_F(FindGangsTest, ARecordThatTheDiskDoesNotGiveIsSetAside) {
  Add(0);
  tree_.Write("jobs/train-0a1b2c/1/intent/cannot", "be read: EISDIR");
  const FoundGangs found = Find();
  EXPECT_EQ(found.gangs.size(), 1u);
  ASSERT_EQ(found.aside.size(), 1u);
  EXPECT_EQ(found.problems.size(), 1u);
}

TEST_F(FindGangsTest, NoQuarantineIsNoReasonNotToStart) {
  tree_.Write("quarantine", "a file, where a directory cannot be made");
  tree_.Write("jobs/train-0a1b2c/1/intent", "garbage");
  Add(0);
  const FoundGangs found = Find();
  EXPECT_EQ(found.gangs.size(), 1u);
  EXPECT_EQ(found.problems.size(), 2u);
}

TEST_F(FindGangsTest, ADamagedReportIsPassedOver) {
  Add(0);
  tree_.Write("jobs/train-0a1b2c/0/report", "garbage");
  const FoundGangs found = Find();
  ASSERT_EQ(found.gangs.size(), 1u);
  EXPECT_FALSE(found.gangs[0].report.has_value());
  EXPECT_EQ(found.problems.size(), 1u);
}

}  // namespace
}  // namespace muster
