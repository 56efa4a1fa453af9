// A data race, planted: this thread reads what a task on the loop's thread writes, and nothing
// orders the two. ThreadSanitizer must report it through all that lies between (EventLoop,
// std::function) and under our suppressions; if it does not, a clean tsan run of the tests proves
// nothing.
#include <unistd.h>

#include <cstdio>

#include "common/base/event_loop.h"

namespace {

int raced = 0;

}  // namespace

int main() {
  muster::LoopThread thread;
  thread.loop()->Post([] { raced = 1; });
  usleep(100000);  // Not an order: long enough that both accesses happen, on any machine.
  const int seen = raced;
  thread.Call([] {});  // An order, but too late.
  printf("raced=%d\n", seen);
  return 0;
}
