#ifndef MUSTER_TESTS_AGENT_TASK_GANGS_FIXTURE_H_
#define MUSTER_TESTS_AGENT_TASK_GANGS_FIXTURE_H_

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/device/ledger.h"
#include "agent/device/topology.h"
#include "agent/task/gangs.h"
#include "common/base/clock.h"
#include "common/base/event_loop.h"
#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {

v1::GangRef Ref(const std::string& job_id, int attempt = 0, int64_t epoch = 1);

// Whether `pid` is a process that is not a zombie.
bool Runs(pid_t pid);
// Waits until it is none, with a deadline.
bool AwaitGone(pid_t pid);

// One host: a loop with its thread, a ledger of four devices, and gangs that can die and come back,
// with the real msshim and real programs. Every wait is for an event, with a deadline.
class GangsTest : public testing::Test {
 protected:
  using Key = std::pair<std::string, int>;
  static constexpr std::chrono::seconds kDeadline{30};

  explicit GangsTest(const Clock* clock = Clock::Real()) : thread_(clock) {}

  // Orphans of a dead shim fall to us, as to an agent that is PID 1 or a subreaper: their exits can
  // then be learned on every kernel, whatever reaps or does not reap above us.
  void SetUp() override;

  void TearDown() override;

  // Starts the engine on the state that is there.
  void Boot();
  // Ends the engine as a crash would: the ranks and their shims are left alone.
  void Crash();

  // Reports, on the loop's thread.
  void Take(const v1::GangReport& report);
  bool Await(const Key& key, const std::function<bool(const v1::GangReport&)>& is_it);
  v1::GangReport Finished(const std::string& job_id, int attempt = 0);
  bool AwaitAllRunning(const std::string& job_id, int attempt = 0);

  // A job of `ranks` shells.
  v1::StartGangRequest Shells(int ranks, const std::string& script) const;
  absl::StatusOr<v1::NodePlacement> Reserve(const v1::StartGangRequest& start);
  absl::Status StartOnly(const v1::StartGangRequest& request);
  absl::Status Start(const v1::StartGangRequest& request);
  absl::Status Stop(const v1::StartGangRequest& start, absl::Duration grace);

  // Waits until the stream has `text` in it (the empty text: until it has ended); returns all of
  // it.
  std::string AwaitOutput(const std::string& job_id, int rank, const std::string& text,
                          bool is_stderr = false);
  std::string Output(const std::string& job_id, int rank, bool is_stderr = false);

  // The process id of the gang's shim.
  pid_t FindShim(const std::string& job_id);
  bool DevicesAreFree();

  // One event that another thread tells of.
  class Wait {
   public:
    explicit Wait(GangsTest* test) : test_(test) {}
    void Done() {
      const std::lock_guard<std::mutex> lock(test_->mutex_);
      done_ = true;
      test_->changed_.notify_all();
    }
    bool Await() {
      std::unique_lock<std::mutex> lock(test_->mutex_);
      return test_->changed_.wait_for(lock, kDeadline, [this] { return done_; });
    }

   private:
    GangsTest* const test_;
    bool done_ = false;
  };

  static std::string ShimPath();

  std::string shim_path_ = ShimPath();
  std::string cgroup_root_;   // As Gangs::Options has it,
  bool keeps_lease_ = false;  // and so is this.
  TempTree tree_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Key, v1::GangReport> reports_;  // Under mutex_.
  std::set<Key> started_;
  // What the engine would tell a scheduler that it meets as soon as it has recovered.
  std::vector<v1::GangReport> hello_;
  std::unique_ptr<Topology> topology_ = *Topology::Load();
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Gangs> gangs_;
  LoopThread thread_;  // Last: it uses all of the above.
};

}  // namespace muster

#endif  // MUSTER_TESTS_AGENT_TASK_GANGS_FIXTURE_H_
