// A data race on purpose (--race), beside a correct handoff through EventLoop::Post:
// ThreadSanitizer must report the one and not the other. Without such a report a clean tsan run
// would mean nothing.
#include <atomic>
#include <cstdio>
#include <cstring>
#include <thread>

#include "common/base/event_loop.h"

int main(int argc, char** argv) {
  const bool racy = argc > 1 && strcmp(argv[1], "--race") == 0;
  muster::LoopThread thread;
  int handed_over = 1;  // Ordered by the posts.
  int shared = 0;
  std::atomic<bool> written{false};
  thread.loop()->Post([&] {
    ++handed_over;
    ++shared;
    written.store(true, std::memory_order_relaxed);  // Tells the time, and orders nothing.
  });
  while (!written.load(std::memory_order_relaxed)) std::this_thread::yield();
  if (racy) ++shared;  // After the loop's write, but nothing says so: this is the race.
  thread.Call([] {});
  printf("%d handed over, %d shared\n", handed_over, shared);
  return 0;
}
