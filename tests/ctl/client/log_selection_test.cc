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

}  // namespace
}  // namespace muster
