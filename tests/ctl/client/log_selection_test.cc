#include "ctl/client/log_selection.h"

#include "gtest/gtest.h"

namespace muster {
namespace {

TEST(LogSelectionTest, ReadsRanksAndRanges) {
  const auto ranges = ParseRanks("0-3,7");
  ASSERT_TRUE(ranges.ok());
  ASSERT_EQ(ranges->size(), 2u);
  EXPECT_EQ((*ranges)[0].last, 3);
  EXPECT_EQ((*ranges)[1].first, 7);
  EXPECT_TRUE(ParseRanks("all")->empty());
}

TEST(LogSelectionTest, RefusesWhatIsNoRank) {
  for (const char* text : {"", "x", "3-1", "1,,2", "-1", "1-2-3"}) {
    EXPECT_FALSE(ParseRanks(text).ok()) << text;
  }
}

TEST(LogSelectionTest, ARankAloneIsAWorkers) {
  LogSelection selection;
  selection.ranks = {{0, 0}};
  v1::JobSpec spec;
  spec.add_roles()->set_name("server");
  EXPECT_EQ(*RoleOf(selection, spec), "server");  // The only one.
  spec.add_roles()->set_name("worker");
  EXPECT_EQ(*RoleOf(selection, spec), "worker");
  spec.mutable_roles(1)->set_name("trainer");
  EXPECT_TRUE(absl::IsInvalidArgument(RoleOf(selection, spec).status()));
}

TEST(LogSelectionTest, NamesTheRolesWhenOneIsUnknown) {
  LogSelection selection;
  selection.role = "sever";
  v1::JobSpec spec;
  spec.add_roles()->set_name("server");
  EXPECT_EQ(RoleOf(selection, spec).status().message(), "role 'sever': the job has server");
}

// Of the attempts 0 to 60 the first and the latest are on record.
v1::Job ManyTimesRestarted() {
  v1::Job job;
  job.set_id("digits-1");
  for (const int number : {0, 11, 12, 60}) {
    v1::Attempt* const attempt = job.mutable_status()->add_attempts();
    attempt->set_number(number);
    attempt->mutable_placement()->add_nodes();
  }
  return job;
}

TEST(LogSelectionTest, KnowsTheAttemptsThatAreOnRecord) {
  const v1::Job job = ManyTimesRestarted();
  for (const int number : {0, 11, 12, 60}) {
    EXPECT_TRUE(CheckAttemptExists(job, number).ok()) << number;
  }
  for (const int number : {1, 10, 13, 59}) {
    EXPECT_TRUE(absl::IsNotFound(CheckAttemptExists(job, number))) << number;
  }
  EXPECT_EQ(CheckAttemptExists(job, 5).message(),
            "job digits-1: where attempt 5 ran is no longer on record; read attempt 11 or a later "
            "one, or jobs/digits-1/5/logs in the state directory of an agent that it ran on");
}

TEST(LogSelectionTest, AnAttemptWhosePlacementIsLeftOutCannotBeFound) {
  v1::Job job = ManyTimesRestarted();
  job.mutable_status()->mutable_attempts(0)->clear_placement();
  EXPECT_TRUE(absl::IsNotFound(CheckAttemptExists(job, 0)));
  job.mutable_status()->mutable_attempts(3)->clear_placement();
  EXPECT_TRUE(CheckAttemptExists(job, 60).ok()) << "the current one";
}

TEST(LogSelectionTest, NamesTheLastAttemptWhenOneIsToCome) {
  EXPECT_EQ(CheckAttemptExists(ManyTimesRestarted(), 61).message(),
            "job digits-1 has no attempt 61, the last is 60");
  EXPECT_EQ(CheckAttemptExists(ManyTimesRestarted(), -1).message(),
            "job digits-1 has no attempt -1, the last is 60");
  v1::Job job;
  job.set_id("digits-1");
  EXPECT_EQ(CheckAttemptExists(job, 0).message(), "job digits-1 has no attempt 0");
}

}  // namespace
}  // namespace muster
