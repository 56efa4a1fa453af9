#include "agent/process/rank_exit.h"

#include <cerrno>

#include "agent/shim/exit_journal.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

JournalRecord Exit(int flags, StartStep step = StartStep::kNone) {
  JournalRecord record;
  record.kind = JournalKind::kExit;
  record.flags = static_cast<decltype(record.flags)>(flags);
  record.step = step;
  return record;
}

TEST(RankExitTest, ARankOfWhichNobodyRecordedTheStartIsNotSaidNotToHaveRun) {
  const RankExit exit =
      MakeRankExit(Exit(kNotStarted | kUnknown, StartStep::kNotRecorded), nullptr);
  EXPECT_TRUE(exit.started);
  EXPECT_FALSE(exit.known);
  EXPECT_EQ(exit.error, "unknown whether it ran: msshim died before it recorded the start");
}

TEST(RankExitTest, AStartThatFailedIsKnownNotToHaveRun) {
  JournalRecord record = Exit(kNotStarted, StartStep::kProgram);
  record.error = EACCES;
  const RankExit exit = MakeRankExit(record, nullptr);
  EXPECT_FALSE(exit.started);
  EXPECT_TRUE(exit.known);
  EXPECT_TRUE(exit.not_executable);
}

TEST(RankExitTest, AnExitThatNobodySawIsUnknown) {
  const RankExit exit = MakeRankExit(Exit(kUnknown), nullptr);
  EXPECT_TRUE(exit.started);
  EXPECT_FALSE(exit.known);
  EXPECT_NE(exit.error, "");
}

}  // namespace
}  // namespace muster
