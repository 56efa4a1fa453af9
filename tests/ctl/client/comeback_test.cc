#include "ctl/client/comeback.h"

#include "common/rpc/error_details.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

absl::Status NoAgent() {
  return WithDetail(absl::UnavailableError("no agent answers at unix:/a"), "NO_AGENT", "",
                    "start one with 'msagentd', or use 'msctl run --local'");
}

TEST(ComebackTest, ALostAgentIsNotAReasonToRunTheJobAgain) {
  const absl::Status status = LostUnder("digits-1", NoAgent());
  EXPECT_EQ(status.message(), "no agent answers at unix:/a");
  ASSERT_EQ(DetailsOf(status).errors_size(), 1);
  EXPECT_EQ(DetailsOf(status).errors(0).hint(),
            "job digits-1 goes on: 'msctl logs -f digits-1' comes back to it, 'msctl wait "
            "digits-1' waits for its end");
}

TEST(ComebackTest, OtherErrorsKeepTheirHints) {
  const absl::Status status =
      WithDetail(absl::NotFoundError("job x: no such job"), "NO_SUCH_JOB", "", "list them");
  EXPECT_EQ(DetailsOf(LostUnder("x", status)).errors(0).hint(), "list them");
}

TEST(ComebackTest, AJobWithoutANameIsLookedForInTheList) {
  const absl::Status status = LostUnderSubmit(NoAgent());
  EXPECT_NE(DetailsOf(status).errors(0).hint().find("'msctl get jobs'"), std::string::npos);
}

}  // namespace
}  // namespace muster
