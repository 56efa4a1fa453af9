// The same handoff as in tsan_race.cc, done right: ThreadSanitizer must have nothing to say. If it
// has, the loop's queue is invisible to it, and every report of a tsan run is in doubt.
#include <cstdio>

#include "common/base/event_loop.h"

namespace {

int handed = 0;

}  // namespace

int main() {
  muster::LoopThread thread;
  thread.loop()->Post([] { handed = 1; });
  thread.Call([] {});
  printf("handed=%d\n", handed);
  return handed == 1 ? 0 : 1;
}
