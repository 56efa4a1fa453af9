#include "tests/agent/task/fake_cgroup.h"

#include "common/base/fs.h"

namespace muster {

FakeCgroup::FakeCgroup() {
  SetPopulated(true);
  tree_.Write("ranks/cgroup.kill", "");
}

GangCgroup FakeCgroup::group() const {
  GangCgroup group;
  group.dir = tree_.root();
  group.shim = tree_.Path("shim");
  group.ranks = tree_.Path("ranks");
  return group;
}

void FakeCgroup::SetPopulated(bool populated) {
  tree_.Write("ranks/cgroup.events", populated ? "populated 1\n" : "populated 0\n");
}

bool FakeCgroup::TakeKill() {
  if (ReadFile(tree_.Path("ranks/cgroup.kill")).value().empty()) return false;
  tree_.Write("ranks/cgroup.kill", "");
  return true;
}

int PassCountingKills(absl::Duration time, absl::Duration step, FakeClock* clock, EventLoop* loop,
                      FakeCgroup* cgroup) {
  int kills = 0;
  for (; time > absl::ZeroDuration(); time -= step) {
    clock->Advance(step);
    loop->RunDue();
    if (cgroup->TakeKill()) ++kills;
  }
  return kills;
}

}  // namespace muster
