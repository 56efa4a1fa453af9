#include "ctl/frontend/torchrun/failure_table.h"

#include <gtest/gtest.h>

#include "ctl/frontend/torchrun/error_file.h"

namespace muster {
namespace {

WorkerFailure Failure(int rank) {
  WorkerFailure failure;
  failure.rank = rank;
  failure.local_rank = rank % 2;
  failure.exit_code = 1;
  failure.pid = 4711;
  failure.unix_time = 1700000000;
  failure.host = "a";
  failure.message = "Traceback:\n  boom";
  failure.error_file = "/l/error.json";
  return failure;
}

// Laid out as torch 1.13.1's ChildFailedError prints it.
TEST(FailureTableTest, IsTorchsOwn) {
  WorkerFailure other = Failure(2);
  other.exit_code = -9;
  other.error_file.clear();
  other.message = MessageWithoutErrorFile(-9, 4712);
  other.pid = 4712;
  EXPECT_EQ(FailureTable("train.py", Failure(3), {other}, absl::UTCTimeZone()),
            "\n"
            "=====================================================\n"
            "train.py FAILED\n"
            "-----------------------------------------------------\n"
            "Failures:\n"
            "[1]:\n"
            "  time      : 2023-11-14_22:13:20\n"
            "  host      : a\n"
            "  rank      : 2 (local_rank: 0)\n"
            "  exitcode  : -9 (pid: 4712)\n"
            "  error_file: <N/A>\n"
            "  traceback : Signal 9 (SIGKILL) received by PID 4712\n"
            "-----------------------------------------------------\n"
            "Root Cause (first observed failure):\n"
            "[0]:\n"
            "  time      : 2023-11-14_22:13:20\n"
            "  host      : a\n"
            "  rank      : 3 (local_rank: 1)\n"
            "  exitcode  : 1 (pid: 4711)\n"
            "  error_file: /l/error.json\n"
            "  traceback : Traceback:\n"
            "    boom\n"
            "=====================================================\n");
}

TEST(FailureTableTest, SaysThatThereIsNoOther) {
  const std::string table = FailureTable("t", Failure(0), {}, absl::UTCTimeZone());
  EXPECT_NE(table.find("Failures:\n  <NO_OTHER_FAILURES>\n"), std::string::npos);
}

TEST(WorkerErrorTest, BothFormsOfTorchAreRead) {
  const auto nested = ParseWorkerError(
      R"({"message": {"message": "RuntimeError: boom", "extraInfo":
          {"py_callstack": "Traceback\n  x", "timestamp": "1700000000"}}})");
  ASSERT_TRUE(nested);
  EXPECT_EQ(nested->message, "Traceback\n  x");
  EXPECT_EQ(nested->unix_time, 1700000000);
  const auto flat = ParseWorkerError(R"({"message": "gone", "timestamp": 17})");
  ASSERT_TRUE(flat);
  EXPECT_EQ(flat->message, "gone");
  EXPECT_EQ(flat->unix_time, 17);
  const auto bare = ParseWorkerError(R"({"message": {"message": "m"}})");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->message, "m");
  EXPECT_EQ(bare->unix_time, 0);
}

TEST(WorkerErrorTest, HalfAFileIsNone) {
  for (const char* text : {"", "{", "[]", "{}", R"({"message": )", "null"}) {
    EXPECT_FALSE(ParseWorkerError(text)) << text;
  }
}

TEST(WorkerErrorTest, WhoStartedTheLauncherGetsTheCodeToo) {
  const std::string passed =
      ErrorFileForParent(R"({"message": {"message": "m", "extraInfo": {"timestamp": "5"}}})", -9);
  EXPECT_NE(passed.find("\"errorCode\":-9"), std::string::npos) << passed;
  EXPECT_EQ(ParseWorkerError(passed)->unix_time, 5);
  EXPECT_EQ(ErrorFileForParent("{", 1), "{");
}

}  // namespace
}  // namespace muster
