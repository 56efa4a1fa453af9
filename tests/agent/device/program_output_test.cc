#include "agent/device/program_output.h"

#include <sys/wait.h>

#include <cerrno>

#include "gtest/gtest.h"

namespace muster {
namespace {

constexpr absl::Duration kLong = absl::Seconds(30);

TEST(ProgramOutputTest, ReturnsWhatTheProgramPrints) {
  const auto output = ProgramOutput({"sh", "-c", "cat; echo out; echo err >&2"}, kLong);
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_EQ(*output, "out\n");
}

TEST(ProgramOutputTest, NamesAMissingProgram) {
  const auto output = ProgramOutput({"no-such-program"}, kLong);
  EXPECT_EQ(output.status().code(), absl::StatusCode::kNotFound);
}

TEST(ProgramOutputTest, NamesTheExitCodeOfAFailure) {
  const auto output = ProgramOutput({"sh", "-c", "exit 4"}, kLong);
  EXPECT_EQ(output.status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(output.status().message(), "sh: exited with code 4");
}

TEST(ProgramOutputTest, KillsWhatDoesNotEndAndLeavesNoChild) {
  const auto output = ProgramOutput({"sh", "-c", "sleep 600 & sleep 600"}, absl::Milliseconds(20));
  EXPECT_EQ(output.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(ProgramOutputTest, StopsAFlood) {
  const auto output = ProgramOutput({"cat", "/dev/zero"}, kLong);
  EXPECT_EQ(output.status().code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace muster
