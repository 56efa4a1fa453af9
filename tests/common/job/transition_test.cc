#include "common/job/transition.h"

#include <gtest/gtest.h>

namespace muster {
namespace {

enum class State { kOff, kOn };
enum class Event { kPress, kBreak };

constexpr Transition<State, Event> kSteps[] = {
    {State::kOff, Event::kPress, State::kOn},
    {State::kOn, Event::kPress, State::kOff},
};

TEST(TransitionTest, FollowsTheTable) {
  static_assert(*NextState(kSteps, State::kOff, Event::kPress) == State::kOn);
  EXPECT_EQ(NextState(kSteps, State::kOn, Event::kPress), State::kOff);
}

TEST(TransitionTest, AnEventThatMeansNothingLeadsNowhere) {
  EXPECT_EQ(NextState(kSteps, State::kOn, Event::kBreak), std::nullopt);
}

}  // namespace
}  // namespace muster
