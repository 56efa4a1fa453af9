#ifndef MUSTER_TESTS_AGENT_TASK_FAKE_CGROUP_H_
#define MUSTER_TESTS_AGENT_TASK_FAKE_CGROUP_H_

#include <string>

#include "absl/time/time.h"
#include "agent/task/cgroup.h"
#include "common/base/event_loop.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/temp_tree.h"

namespace muster {

// The control files of a v2 cgroup as plain files: its members live until the test says otherwise,
// as a process does that hangs in the kernel.
class FakeCgroup {
 public:
  FakeCgroup();

  GangCgroup group() const;
  // The file that says whether there are members.
  std::string events_path() const { return tree_.Path("ranks/cgroup.events"); }
  void SetPopulated(bool populated);
  // Whether SIGKILL was sent to all since the last call.
  bool TakeKill();

 private:
  const TempTree tree_;
};

// Lets time pass, in steps; returns in how many of them SIGKILL was sent.
int PassCountingKills(absl::Duration time, absl::Duration step, FakeClock* clock, EventLoop* loop,
                      FakeCgroup* cgroup);

}  // namespace muster

#endif  // MUSTER_TESTS_AGENT_TASK_FAKE_CGROUP_H_
