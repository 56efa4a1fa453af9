#include "ctl/frontend/frontend.h"

#include <set>
#include <string>

#include "ctl/frontend/frontend_command.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

TEST(FrontendTest, NamesAreUniqueAndEachCanDoAll) {
  std::set<std::string> names;
  for (const Frontend* frontend : AllFrontends()) {
    EXPECT_TRUE(names.insert(frontend->name).second) << frontend->name;
    EXPECT_EQ(FindFrontend(frontend->name), frontend);
    for (const std::string& alias : frontend->aliases) {
      EXPECT_TRUE(names.insert(alias).second) << alias;
      EXPECT_EQ(FindFrontend(alias), frontend);
    }
    EXPECT_NE(frontend->run, nullptr);
    EXPECT_NE(frontend->match, nullptr);
    EXPECT_NE(frontend->to_job, nullptr);
    EXPECT_NE(frontend->summary, "");
  }
  EXPECT_EQ(names.count("msrun"), 1U);
}

TEST(FrontendTest, OtherVerbsAreNotMeant) {
  EXPECT_EQ(RunFrontend("msctl", {"get", "jobs"}), std::nullopt);
  EXPECT_EQ(RunFrontend("/usr/bin/msctl", {}), std::nullopt);
}

TEST(FrontendTest, HelpListsThem) {
  EXPECT_EQ(FrontendCommands().size(), AllFrontends().size());
  EXPECT_EQ(FrontendCommands()[0]->name, AllFrontends()[0]->name);
}

}  // namespace
}  // namespace muster
