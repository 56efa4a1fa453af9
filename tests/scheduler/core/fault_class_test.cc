#include "scheduler/core/fault_class.h"

#include <csignal>

#include "common/job/exit_result.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

v1::RestartSpec Restart() {
  v1::RestartSpec restart;
  restart.set_max_restarts(3);
  restart.add_always_on(101);
  restart.add_never_on(93);
  restart.add_never_on(128 + SIGSEGV);
  return restart;
}

v1::FirstCause CauseBy(const v1::ExitResult& exit) {
  v1::FirstCause cause;
  cause.set_role("worker");
  *cause.mutable_exit() = exit;
  return cause;
}

v1::FirstCause CauseWithoutRank() {
  v1::FirstCause cause;
  cause.set_reason("why");
  return cause;
}

v1::ExitResult OutOfMemory() {
  v1::ExitResult exit = KilledBy(SIGKILL);
  exit.set_out_of_memory(true);
  return exit;
}

struct Case {
  const char* name;
  FaultEvidence evidence;
  v1::FirstCause cause;
  v1::FaultClass fault;
};

class FaultClassTest : public ::testing::TestWithParam<Case> {};

TEST_P(FaultClassTest, FollowsFromWhatIsKnown) {
  EXPECT_EQ(ClassifyFault(Restart(), GetParam().evidence, GetParam().cause), GetParam().fault);
}

INSTANTIATE_TEST_SUITE_P(
    All, FaultClassTest,
    ::testing::Values(
        Case{"Code", {StopCause::kRankFailed}, CauseBy(ExitedWith(1)), v1::FAULT_CLASS_PROGRAM},
        Case{"CodeUnstopped", {StopCause::kNone}, CauseBy(ExitedWith(1)), v1::FAULT_CLASS_PROGRAM},
        Case{"Signal", {StopCause::kRankFailed}, CauseBy(KilledBy(9)), v1::FAULT_CLASS_KILLED},
        Case{"Memory", {StopCause::kRankFailed}, CauseBy(OutOfMemory()), v1::FAULT_CLASS_MEMORY},
        Case{"Asked", {StopCause::kRankFailed}, CauseBy(ExitedWith(101)), v1::FAULT_CLASS_ASKED},
        Case{"AskedWithAnIllDevice",
             {StopCause::kRankFailed, true, true},
             CauseBy(ExitedWith(101)),
             v1::FAULT_CLASS_ASKED},
        Case{"Device",
             {StopCause::kRankFailed, true, true},
             CauseBy(ExitedWith(1)),
             v1::FAULT_CLASS_DEVICE},
        Case{"MemoryWithAnIllDevice",
             {StopCause::kRankFailed, true, true},
             CauseBy(OutOfMemory()),
             v1::FAULT_CLASS_MEMORY},
        Case{"HostLost", {StopCause::kHostLost}, CauseWithoutRank(), v1::FAULT_CLASS_HOST},
        Case{"AgentForgot",
             {StopCause::kRankFailed},
             CauseBy(UnknownExit("its agent has lost its state")),
             v1::FAULT_CLASS_HOST},
        Case{"StoppedFromOutside", {StopCause::kNone}, CauseWithoutRank(), v1::FAULT_CLASS_HOST},
        Case{"StartFailed", {StopCause::kStartFailed}, CauseWithoutRank(), v1::FAULT_CLASS_START},
        Case{"StartTimeout", {StopCause::kStartTimeout}, CauseWithoutRank(), v1::FAULT_CLASS_START},
        Case{"NotStarted",
             {StopCause::kRankFailed},
             CauseBy(NotStarted("no such file")),
             v1::FAULT_CLASS_START},
        Case{"NothingRan", {StopCause::kNone, false}, CauseWithoutRank(), v1::FAULT_CLASS_START},
        Case{"RunTimeout", {StopCause::kRunTimeout}, CauseWithoutRank(), v1::FAULT_CLASS_TIMEOUT}),
    [](const auto& info) { return info.param.name; });

TEST(ForbidsRestartTest, CountsExitsAsAShellShowsThem) {
  EXPECT_TRUE(ForbidsRestart(Restart(), ExitedWith(93)));
  EXPECT_TRUE(ForbidsRestart(Restart(), KilledBy(SIGSEGV)));
  EXPECT_FALSE(ForbidsRestart(Restart(), ExitedWith(1)));
  EXPECT_FALSE(ForbidsRestart(Restart(), UnknownExit("host lost")));
}

}  // namespace
}  // namespace muster
