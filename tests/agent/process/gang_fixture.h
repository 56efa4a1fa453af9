#ifndef MUSTER_TESTS_AGENT_PROCESS_GANG_FIXTURE_H_
#define MUSTER_TESTS_AGENT_PROCESS_GANG_FIXTURE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/process/shim_client.h"
#include "agent/shim/shim_plan.h"
#include "common/base/event_loop.h"
#include "gtest/gtest.h"

namespace muster {

// What a shim has told, in order.
class EventLog : public ShimEvents {
 public:
  void OnStarted(int index, int restart, int pid, absl::Time when) override;
  void OnExit(const RankExit& exit) override;
  void OnGrew(int index, bool is_stderr, int64_t length) override;
  void OnFinished() override { ++finished; }
  void OnGone(const absl::Status& status) override;

  // The last exit of a rank; fails the test when there is none.
  RankExit Exit(int index) const;

  std::map<std::pair<int, int>, int> pids;  // (index, restart) → pid.
  std::vector<RankExit> exits;
  std::map<std::pair<int, bool>, int64_t> lengths;
  int finished = 0;
  int gone = 0;
  absl::Status gone_status;
};

// A gang directory and the real msshim. Turns the loop itself, until what a test waits for is
// there.
class GangTest : public testing::Test {
 protected:
  GangTest();
  ~GangTest() override;

  // A plan whose ranks run `/bin/sh -c script`, one for each script.
  ShimPlan Scripts(const std::vector<std::string>& scripts) const;
  // Writes the plan and starts its shim.
  void Spawn(const ShimPlan& plan);
  void WritePlan(const ShimPlan& plan);
  // Turns the loop until `done`, at most 20 s; then the test has failed.
  bool Await(const std::function<bool()>& done);
  bool AwaitFinished();
  // Of the shim that runs now.
  int ShimPid() const;
  void KillShim();
  // The bytes of a stream's segments or user file, as the index places them, gaps left out.
  std::string Output(int index, bool is_stderr = false) const;
  std::string Path(const std::string& name) const { return dir_ + "/" + name; }

  std::string dir_;
  ShimPlan plan_;
  EventLoop loop_;
  EventLog log_;
  std::unique_ptr<ShimClient> client_;
};

// The file of the msshim under test.
std::string ShimPath();
// Whether a process (not a zombie) has this number.
bool Lives(int pid);
std::string Contents(const std::string& path);

}  // namespace muster

#endif  // MUSTER_TESTS_AGENT_PROCESS_GANG_FIXTURE_H_
