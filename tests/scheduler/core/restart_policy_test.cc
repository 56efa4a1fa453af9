#include "scheduler/core/restart_policy.h"

#include <csignal>

#include "absl/strings/str_cat.h"
#include "common/job/exit_result.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1700000000);

v1::RestartSpec MakeRestart(int max) {
  v1::RestartSpec spec;
  spec.set_max_restarts(max);
  spec.mutable_window()->set_seconds(600);
  spec.mutable_first_delay()->set_seconds(1);
  spec.mutable_max_delay()->set_seconds(5);
  return spec;
}

// Collects failures of a gang on two hosts, and asks what follows.
class RestartPolicyTest : public ::testing::Test {
 protected:
  Failure* Add(v1::FaultClass fault, const v1::ExitResult& exit = {},
               absl::Duration ran = absl::Minutes(1)) {
    Failure failure;
    failure.fault = fault;
    failure.exit = exit;
    failure.time = now_;
    failure.ran = ran;
    failure.hosts = 2;
    failure.node_id = absl::StrCat("id-", history_.size());
    failure.node_name = absl::StrCat("node-", history_.size());
    history_.push_back(failure);
    return &history_.back();
  }
  Failure* AddKill() { return Add(v1::FAULT_CLASS_KILLED, KilledBy(SIGKILL)); }
  Failure* AddHost() { return Add(v1::FAULT_CLASS_HOST); }
  Failure* AddError(int code, absl::Duration ran = absl::Seconds(2)) {
    return Add(v1::FAULT_CLASS_PROGRAM, ExitedWith(code), ran);
  }
  Failure* AddAsked() { return Add(v1::FAULT_CLASS_ASKED, ExitedWith(101)); }
  Failure* AddStart() {
    Failure* const failure = Add(v1::FAULT_CLASS_START);
    failure->ranks_ran = false;
    return failure;
  }
  RestartDecision Decide() const { return DecideRestart(spec_, limits_, history_); }

  v1::RestartSpec spec_ = MakeRestart(2);
  RestartLimits limits_;
  absl::Time now_ = kNow;
  std::vector<Failure> history_;
};

TEST_F(RestartPolicyTest, DelaysDoubleUpToTheBound) {
  spec_ = MakeRestart(5);
  for (const int seconds : {1, 2, 4, 5, 5}) {
    AddKill();
    EXPECT_TRUE(Decide().again);
    EXPECT_EQ(Decide().delay, absl::Seconds(seconds));
  }
  AddKill();
  EXPECT_FALSE(Decide().again);
  EXPECT_EQ(Decide().why, "all 5 restarts within 10m are used up (restart.max_restarts)");
}

TEST_F(RestartPolicyTest, FailuresOlderThanTheWindowAreForgotten) {
  AddKill();
  AddKill();
  now_ += absl::Seconds(601);
  Add(v1::FAULT_CLASS_KILLED, KilledBy(SIGKILL), absl::Hours(1));
  EXPECT_TRUE(Decide().again);
  EXPECT_EQ(Decide().delay, absl::Seconds(1));
}

TEST_F(RestartPolicyTest, WithoutABudgetNothingStartsAgainAndNothingIsSaidOfIt) {
  spec_ = MakeRestart(0);
  for (const v1::FaultClass fault : {v1::FAULT_CLASS_KILLED, v1::FAULT_CLASS_HOST}) {
    Add(fault);
    EXPECT_FALSE(Decide().again);
    EXPECT_EQ(Decide().why, "");
  }
}

TEST_F(RestartPolicyTest, LostHostsHaveABudgetOfTheirOwn) {
  spec_ = MakeRestart(1);
  for (int i = 0; i < 10; ++i) {
    AddHost();
    EXPECT_TRUE(Decide().again) << i;
  }
  AddKill();
  EXPECT_TRUE(Decide().again);
  EXPECT_EQ(Decide().delay, absl::Seconds(1));
  Add(v1::FAULT_CLASS_DEVICE, ExitedWith(1));
  EXPECT_FALSE(Decide().again);
  EXPECT_EQ(Decide().why,
            "all 10 restarts after lost hosts within 10m are used up "
            "(restart.max_host_restarts)");
}

TEST_F(RestartPolicyTest, OnlyLostHostsMayBeRestartedAfter) {
  spec_ = MakeRestart(0);
  spec_.set_max_host_restarts(1);
  AddHost();
  EXPECT_TRUE(Decide().again);
  AddKill();
  EXPECT_FALSE(Decide().again);
}

TEST_F(RestartPolicyTest, AnExitMayForbidTheRestart) {
  spec_.add_never_on(93);
  AddError(93, absl::Hours(5));
  EXPECT_FALSE(Decide().again);
  EXPECT_EQ(Decide().why, "exit code 93 is in restart.never_on");
}

TEST_F(RestartPolicyTest, WhatCouldNotBeStartedIsNotTriedAgain) {
  Add(v1::FAULT_CLASS_START, NotStarted("no such file"))->ranks_ran = false;
  EXPECT_FALSE(Decide().again);
}

TEST_F(RestartPolicyTest, FreeStartsCostNothingAndAreCountedInARow) {
  spec_ = MakeRestart(0);
  for (const int seconds : {1, 2, 4}) {
    AddStart();
    EXPECT_TRUE(Decide().again);
    EXPECT_EQ(Decide().delay, absl::Seconds(seconds));
  }
  AddStart();
  EXPECT_FALSE(Decide().again);
  EXPECT_EQ(Decide().why, "no rank ran in 4 starts in a row");
  AddKill();
  AddStart();
  EXPECT_TRUE(Decide().again);
}

TEST_F(RestartPolicyTest, AStartThatGotHalfWayCountsAsAFailureOfTheJob) {
  spec_ = MakeRestart(1);
  Add(v1::FAULT_CLASS_START);
  EXPECT_TRUE(Decide().again);
  Add(v1::FAULT_CLASS_START);
  EXPECT_FALSE(Decide().again);
}

TEST_F(RestartPolicyTest, TheSameErrorAtOnceTwiceInARowIsTheEnd) {
  spec_ = MakeRestart(100);
  AddError(1);
  EXPECT_TRUE(Decide().again);
  AddStart();  // Nothing was tried.
  AddError(1);
  EXPECT_FALSE(Decide().again);
  EXPECT_THAT(Decide().why, HasSubstr("the same error at once in 2 attempts in a row"));
}

TEST_F(RestartPolicyTest, OtherErrorsAndLaterOnesAreTriedAgain) {
  spec_ = MakeRestart(100);
  AddError(1);
  AddError(2);
  EXPECT_TRUE(Decide().again) << "another code";
  AddError(2, absl::Seconds(11));
  EXPECT_TRUE(Decide().again) << "not at once";
  AddError(2);
  EXPECT_TRUE(Decide().again) << "the first one since";
  AddHost();
  AddError(2);
  EXPECT_TRUE(Decide().again) << "a host was lost in between";
}

TEST_F(RestartPolicyTest, ACrashAtOnceIsAnErrorAndAKillIsNot) {
  spec_ = MakeRestart(100);
  for (int i = 0; i < 2; ++i) {
    Add(v1::FAULT_CLASS_KILLED, KilledBy(SIGKILL), absl::Seconds(1));
  }
  EXPECT_TRUE(Decide().again);
  for (int i = 0; i < 2; ++i) {
    Add(v1::FAULT_CLASS_KILLED, KilledBy(SIGSEGV), absl::Seconds(1));
  }
  EXPECT_FALSE(Decide().again);
}

TEST_F(RestartPolicyTest, AnErrorOnOneHostOfSeveralIsTriedElsewhereFirst) {
  spec_ = MakeRestart(100);
  AddError(1)->node_id = "bad";
  AddError(1)->node_id = "bad";
  EXPECT_TRUE(Decide().again);
  EXPECT_EQ(Decide().avoid.count("bad"), 1U);
  AddError(1)->node_id = "good";
  EXPECT_FALSE(Decide().again);
}

TEST_F(RestartPolicyTest, AnErrorOfAGangOnOneHostIsNotTriedElsewhere) {
  spec_ = MakeRestart(100);
  for (int i = 0; i < 2; ++i) {
    Failure* const failure = AddError(1);
    failure->node_id = "only";
    failure->hosts = 1;
  }
  EXPECT_FALSE(Decide().again);
}

TEST_F(RestartPolicyTest, AHostThatFailsAgainAndAgainIsAvoided) {
  spec_ = MakeRestart(100);
  AddKill()->node_id = "bad";
  EXPECT_TRUE(Decide().avoid.empty());
  AddKill()->node_id = "bad";
  EXPECT_EQ(Decide().avoid.size(), 1U);
}

TEST_F(RestartPolicyTest, SlowFailuresInARowAreNoProgressThoughTheWindowForgetsThem) {
  for (int i = 0; i < 3; ++i) {
    AddError(1, absl::Minutes(4));
    EXPECT_TRUE(Decide().again) << i;
    now_ += absl::Minutes(6);
  }
  AddError(1, absl::Minutes(4));
  EXPECT_FALSE(Decide().again);
  EXPECT_EQ(Decide().why,
            "no progress: 4 attempts in a row ended in the same way within 10m of their start");
}

TEST_F(RestartPolicyTest, AnAttemptThatRanLongerThanTheWindowIsProgress) {
  for (int i = 0; i < 20; ++i) {
    AddError(1, i % 3 == 2 ? absl::Minutes(10) : absl::Minutes(4));
    EXPECT_TRUE(Decide().again) << i;
    now_ += absl::Minutes(6);
  }
}

TEST_F(RestartPolicyTest, FaultsThatTakeTurnsAreNoProgressEither) {
  for (int i = 0; i < 3; ++i) {
    AddError(i % 2 + 1, absl::Minutes(4));
    EXPECT_TRUE(Decide().again) << i;
    now_ += absl::Minutes(6);
  }
  AddError(2, absl::Minutes(4));
  EXPECT_FALSE(Decide().again);
  EXPECT_EQ(Decide().why, "no progress: 4 attempts in a row failed within 10m of their start");
}

TEST_F(RestartPolicyTest, WhatDoesNotCountBeginsNoCountAnew) {
  for (int i = 0; i < 3; ++i) {
    AddError(1, absl::Minutes(4));
    EXPECT_TRUE(Decide().again) << i;
    now_ += absl::Minutes(6);
    AddHost();
    EXPECT_TRUE(Decide().again) << i;
    Add(v1::FAULT_CLASS_UNSPECIFIED);  // A drain.
  }
  AddError(1, absl::Minutes(4));
  EXPECT_FALSE(Decide().again);
  EXPECT_EQ(
      Decide().why,
      "no progress: 4 attempts ended in the same way within 10m of their start, and none since "
      "the first of them ran longer");
}

TEST_F(RestartPolicyTest, ALongAttemptThatWasEndedOnPurposeIsProgress) {
  for (int i = 0; i < 20; ++i) {
    AddError(1, absl::Minutes(4));
    EXPECT_TRUE(Decide().again) << i;
    now_ += absl::Minutes(6);
    if (i % 2 == 1) Add(v1::FAULT_CLASS_UNSPECIFIED, {}, absl::Hours(1));
  }
}

TEST_F(RestartPolicyTest, TwoHostsThatAreLostInTurnAreNoProgress) {
  int restarts = 0;
  for (; restarts < 200; ++restarts) {
    AddHost()->node_id = restarts % 2 == 0 ? "a" : "b";
    if (!Decide().again) break;
    now_ += absl::Minutes(2);
  }
  EXPECT_EQ(restarts, 20);
  EXPECT_THAT(Decide().why, HasSubstr("no progress: "));
}

TEST_F(RestartPolicyTest, NotEvenLostHostsGoOnForEver) {
  int restarts = 0;
  for (; restarts < 1000; ++restarts) {
    AddHost();
    if (!Decide().again) break;
    now_ += absl::Minutes(2);
  }
  EXPECT_EQ(restarts, 100);
}

TEST_F(RestartPolicyTest, HostsLostInTurnAreNotTheSameFault) {
  for (int i = 0; i < 30; ++i) {
    AddHost();
    EXPECT_TRUE(Decide().again) << i;
    now_ += absl::Minutes(2);
  }
}

TEST_F(RestartPolicyTest, WhatTheProgramAsksForIsGrantedWithoutABudgetButNotForEver) {
  spec_ = MakeRestart(0);
  for (int i = 0; i < 10; ++i) {
    AddAsked();
    EXPECT_TRUE(Decide().again) << i;
    now_ += absl::Minutes(2);
  }
  AddAsked();
  EXPECT_FALSE(Decide().again);
  EXPECT_THAT(Decide().why, HasSubstr("no progress: 11 attempts in a row"));
  Add(v1::FAULT_CLASS_ASKED, ExitedWith(101), absl::Hours(1));
  EXPECT_TRUE(Decide().again);
}

TEST_F(RestartPolicyTest, WhatTheProgramAsksForDoesNotEatTheBudget) {
  spec_ = MakeRestart(1);
  for (int i = 0; i < 5; ++i) AddAsked();
  AddKill();
  EXPECT_TRUE(Decide().again);
}

TEST_F(RestartPolicyTest, WhatWasEndedOnPurposeCountsNowhere) {
  spec_ = MakeRestart(1);
  for (int i = 0; i < 5; ++i) Add(v1::FAULT_CLASS_UNSPECIFIED);
  AddKill();
  EXPECT_TRUE(Decide().again);
}

}  // namespace
}  // namespace muster
