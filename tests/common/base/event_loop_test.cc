#include "common/base/event_loop.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/unique_fd.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fakes/boot_alarm.h"
#include "tests/fakes/fake_clock.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A pipe with one byte in it when `full`.
struct Pipe {
  explicit Pipe(bool full = false) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    read_end.reset(ends[0]);
    write_end.reset(ends[1]);
    if (full) Fill();
  }
  void Fill() { EXPECT_EQ(write(write_end.get(), "x", 1), 1); }
  void Drain() {
    char byte;
    EXPECT_EQ(read(read_end.get(), &byte, 1), 1);
  }
  UniqueFd read_end;
  UniqueFd write_end;
};

class EventLoopTest : public ::testing::Test {
 protected:
  FakeClock clock_;
  EventLoop loop_{&clock_};
  std::vector<std::string> seen_;

  EventLoop::Task Note(const std::string& what) {
    return [this, what] { seen_.push_back(what); };
  }
};

TEST_F(EventLoopTest, RunsPostedTasksInOrder) {
  for (const char* name : {"a", "b", "c"}) loop_.Post(Note(name));
  EXPECT_TRUE(loop_.RunDue());
  EXPECT_THAT(seen_, ElementsAre("a", "b", "c"));
  EXPECT_FALSE(loop_.RunDue());
}

TEST_F(EventLoopTest, RunsATaskThatATaskPosted) {
  loop_.Post([this] { loop_.Post(Note("inner")); });
  loop_.RunDue();
  EXPECT_THAT(seen_, ElementsAre("inner"));
}

TEST_F(EventLoopTest, LetsACaptureDieBeforeTheNextTaskRuns) {
  auto held = std::make_shared<int>();
  const std::weak_ptr<int> watch = held;
  loop_.Post([held] {});
  held.reset();
  loop_.Post([this, watch] { Note(watch.expired() ? "gone" : "alive")(); });
  loop_.RunDue();
  EXPECT_THAT(seen_, ElementsAre("gone"));
}

TEST_F(EventLoopTest, RunsTimersByDeadlineThenBySetting) {
  loop_.After(absl::Seconds(2), Note("late"));
  loop_.After(absl::Seconds(1), Note("first"));
  loop_.After(absl::Seconds(1), Note("second"));
  EXPECT_FALSE(loop_.RunDue());
  clock_.Advance(absl::Seconds(1));
  loop_.RunDue();
  EXPECT_THAT(seen_, ElementsAre("first", "second"));
  clock_.Advance(absl::Seconds(1));
  loop_.RunDue();
  EXPECT_THAT(seen_, ElementsAre("first", "second", "late"));
}

TEST_F(EventLoopTest, CountsTimersOnTheBootClockNotTheWallClock) {
  loop_.After(absl::Seconds(1), Note("timer"));
  clock_.JumpWall(absl::Hours(1));
  EXPECT_FALSE(loop_.RunDue());
  EXPECT_THAT(seen_, IsEmpty());
}

TEST_F(EventLoopTest, TakesANegativeDelayAsNow) {
  loop_.After(-absl::Seconds(5), Note("now"));
  loop_.RunDue();
  EXPECT_THAT(seen_, ElementsAre("now"));
}

TEST_F(EventLoopTest, ForgetsACancelledTimerAndTakesUnknownOnes) {
  const EventLoop::TimerId timer = loop_.After(absl::Seconds(1), Note("timer"));
  loop_.Cancel(timer);
  loop_.Cancel(timer);
  loop_.Cancel(12345);
  clock_.Advance(absl::Seconds(2));
  EXPECT_FALSE(loop_.RunDue());
}

TEST_F(EventLoopTest, LetsATimerCancelAnotherThatIsDueToo) {
  EventLoop::TimerId second = 0;
  loop_.After(absl::Seconds(1), [this, &second] { loop_.Cancel(second); });
  second = loop_.After(absl::Seconds(1), Note("second"));
  clock_.Advance(absl::Seconds(1));
  loop_.RunDue();
  EXPECT_THAT(seen_, IsEmpty());
}

TEST_F(EventLoopTest, CallsAWatcherAsLongAsItsDescriptorIsReady) {
  Pipe pipe(/*full=*/true);
  pipe.Fill();
  loop_.Watch(pipe.read_end.get(), EPOLLIN, [&](uint32_t events) {
    EXPECT_EQ(events, static_cast<uint32_t>(EPOLLIN));
    Note("ready")();
    pipe.Drain();
  });
  loop_.RunDue();
  EXPECT_THAT(seen_, ElementsAre("ready", "ready"));
  loop_.Unwatch(pipe.read_end.get());
}

TEST_F(EventLoopTest, LetsAWatcherUnwatchItself) {
  Pipe pipe(/*full=*/true);
  // What the callback captured must outlive its own call.
  const auto captured = std::make_shared<std::string>("captured");
  loop_.Watch(pipe.read_end.get(), EPOLLIN, [this, &pipe, captured](uint32_t) {
    loop_.Unwatch(pipe.read_end.get());
    Note (*captured)();
  });
  loop_.RunDue();
  EXPECT_THAT(seen_, ElementsAre("captured"));
}

TEST_F(EventLoopTest, LetsAWatcherUnwatchAnotherThatIsReadyToo) {
  Pipe first(/*full=*/true);
  Pipe second(/*full=*/true);
  const auto stop_both = [&](uint32_t) {
    loop_.Unwatch(first.read_end.get());
    loop_.Unwatch(second.read_end.get());
    Note("one")();
  };
  loop_.Watch(first.read_end.get(), EPOLLIN, stop_both);
  loop_.Watch(second.read_end.get(), EPOLLIN, stop_both);
  loop_.RunDue();
  EXPECT_THAT(seen_, ElementsAre("one"));
}

// The kernel gives the lowest free number out again: the event of the old file must not reach the
// watcher of the new one.
TEST_F(EventLoopTest, KeepsAStaleEventFromTheNextOwnerOfADescriptorNumber) {
  Pipe first(/*full=*/true);
  auto second = std::make_unique<Pipe>(/*full=*/true);
  auto quiet = std::make_unique<Pipe>();
  const int number = second->read_end.get();
  const auto swap = [&](uint32_t) {
    loop_.Unwatch(first.read_end.get());
    loop_.Unwatch(number);
    ASSERT_EQ(dup2(quiet->read_end.get(), number), number);
    loop_.Watch(number, EPOLLIN, [this](uint32_t) { Note("stale")(); });
    Note("swapped")();
  };
  loop_.Watch(first.read_end.get(), EPOLLIN, swap);
  loop_.Watch(number, EPOLLIN, swap);
  loop_.RunDue();
  EXPECT_THAT(seen_, ElementsAre("swapped"));
  loop_.Unwatch(number);
}

TEST_F(EventLoopTest, ChangesWhatAWatchIsFor) {
  Pipe pipe;
  loop_.Watch(pipe.write_end.get(), 0, [this, &pipe](uint32_t) {
    Note("writable")();
    loop_.Unwatch(pipe.write_end.get());
  });
  EXPECT_FALSE(loop_.RunDue());
  loop_.Rewatch(pipe.write_end.get(), EPOLLOUT);
  loop_.RunDue();
  EXPECT_THAT(seen_, ElementsAre("writable"));
}

TEST_F(EventLoopTest, RunsWhatWasPostedBeforeTheStop) {
  loop_.Stop();
  loop_.Post(Note("posted"));
  loop_.Run();
  EXPECT_THAT(seen_, ElementsAre("posted"));
}

TEST(LoopThreadTest, KeepsTheOrderOfEachOfManyPostingThreads) {
  constexpr int kThreads = 8;
  constexpr int kPosts = 1000;
  LoopThread thread;
  std::vector<std::vector<int>> seen(kThreads);  // The loop's.
  std::vector<std::thread> posters;
  for (int poster = 0; poster < kThreads; ++poster) {
    posters.emplace_back([&thread, &seen, poster] {
      for (int i = 0; i < kPosts; ++i) {
        thread.loop()->Post([&seen, poster, i] { seen[poster].push_back(i); });
      }
    });
  }
  for (std::thread& poster : posters) poster.join();
  thread.Call([] {});
  for (const auto& numbers : seen) {
    ASSERT_EQ(numbers.size(), static_cast<size_t>(kPosts));
    for (int i = 0; i < kPosts; ++i) ASSERT_EQ(numbers[i], i);
  }
}

TEST_F(EventLoopTest, ALongWaitCountsTheTimeInWhichTheHostSleeps) {
  Pipe pipe(/*full=*/true);
  int alarm = -1;
  loop_.After(absl::Seconds(30), Note("later"));
  loop_.Watch(pipe.read_end.get(), EPOLLIN, [&](uint32_t) {
    alarm = BootAlarm();
    loop_.Stop();
  });
  EXPECT_EQ(BootAlarm(), -1);
  loop_.Run();
  EXPECT_GE(alarm, 1);
  EXPECT_LE(alarm, 30);
}

TEST(LoopThreadTest, KnowsItsOwnThread) {
  LoopThread thread;
  EXPECT_FALSE(thread.loop()->OnLoop());
  bool on_loop = false;
  thread.Call([&] { on_loop = thread.loop()->OnLoop(); });
  EXPECT_TRUE(on_loop);
}

}  // namespace
}  // namespace muster
