#include "common/job/log_name.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace muster {
namespace {

TEST(LogNameTest, FindsThePlaceholders) {
  const auto found = LogNamePlaceholders("{role}-{role_rank}.{stream}");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(*found, (std::set<std::string>{"role", "role_rank", "stream"}));
}

TEST(LogNameTest, RefusesWhatCannotNameAFile) {
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string("a\nb"),
        std::string("{rank"), std::string("rank}"), std::string("{}"), std::string("{Rank}"),
        std::string("{{rank}}"), std::string(161, 'a')}) {
    EXPECT_FALSE(LogNamePlaceholders(bad).ok()) << bad;
  }
}

TEST(LogNameTest, FillsInEveryPlaceholderOnce) {
  EXPECT_EQ(FillLogName("{rank}-{rank}.{stream}", {{"rank", "{stream}"}, {"stream", "out"}}),
            "{stream}-{stream}.out");
}

}  // namespace
}  // namespace muster
