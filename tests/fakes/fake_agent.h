#ifndef MUSTER_TESTS_FAKES_FAKE_AGENT_H_
#define MUSTER_TESTS_FAKES_FAKE_AGENT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/event_loop.h"
#include "scheduler/core/scheduler.h"

namespace muster {

// An agent without processes: takes the scheduler's commands as a real one does, and its ranks live
// and end as the test says. Its gangs outlive its connection and, unless the test says so, its
// restarts. Lives on the loop; answers come in the next turn.
class FakeAgent {
 public:
  using Key = std::pair<std::string, int>;  // Job and attempt.

  // Must outlive the schedulers that it connects to, as must `loop`.
  FakeAgent(EventLoop* loop, const std::string& name, int devices);

  // The stream.
  absl::Status Connect(Scheduler* scheduler);
  void Disconnect();
  void Beat();
  bool connected() const { return scheduler_ != nullptr; }
  // The agent's process dies and another begins. It connects again with Connect().
  void Restart(bool loses_gangs);
  void Reboot();  // Loses all gangs and has another boot id.

  // What the scheduler commands this agent by.
  std::unique_ptr<AgentChannel> MakeChannel();

  // The script.
  absl::Status reserve_answer;        // Not OK: refuses.
  absl::Status start_answer;          // Not OK: refuses.
  bool report_refused_start = false;  // Speaks of the gang before it refuses.
  absl::Status stop_answer;           // Not OK: refuses.
  bool lose_start_reply = false;      // Takes the start, and answers UNAVAILABLE.
  bool silent_start = false;          // Takes the start, and never answers.
  bool run_at_once = true;            // Ranks run as soon as they are started.
  bool obey_stop = true;              // Ranks end when they are told to.
  bool hold_reserve = false;          // Does not answer until ReleaseHeld().
  bool keeps_lease = false;           // Says so in its hello; the test plays the fence.
  // Sets a label of the host; before Connect().
  void SetLabel(const std::string& key, const std::string& value) {
    (*info_.mutable_labels())[key] = value;
  }
  // The host stops all ranks of the gang, for its lease has run out.
  void Fence(const Key& gang);
  void ReleaseHeld();

  void Run(const Key& gang);  // All its ranks run.
  // One rank ends; the gang is finished with its last.
  void Exit(const Key& gang, const std::string& role, int rank, const v1::ExitResult& exit);
  void ExitAll(const Key& gang, const v1::ExitResult& exit);
  // Says again what it said last.
  void Repeat(const Key& gang);
  // Says something of a gang that may not be there.
  void Say(const v1::GangReport& report);

  // What was asked of it, in order: "reserve job-1/0", "start job-1/0", "stop …", "release …".
  const std::vector<std::string>& asked() const { return asked_; }
  int CountAsked(const std::string& verb) const;
  bool Has(const Key& gang) const { return gangs_.count(gang) > 0; }
  const v1::StartGangRequest& StartOf(const Key& gang) const { return starts_.at(gang); }
  const std::vector<v1::GangReportAck>& acks() const { return acks_; }
  int64_t highest_epoch() const { return epoch_; }
  const v1::NodeInfo& info() const { return info_; }

 private:
  friend class FakeAgentChannel;
  void Asked(const std::string& verb, const v1::GangRef& gang);
  absl::StatusOr<v1::ReserveGangResponse> Reserve(const v1::ReserveGangRequest& request);
  absl::Status Start(const v1::StartGangRequest& request);
  void SayStarting(const v1::StartGangRequest& request);
  absl::Status Stop(const v1::StopGangRequest& request);
  absl::Status RestartRank(const v1::RestartRankRequest& request);
  void Report(const Key& gang);

  EventLoop* const loop_;
  v1::NodeInfo info_;
  Scheduler* scheduler_ = nullptr;
  uint64_t session_ = 0;
  int64_t epoch_ = 0;
  int64_t sequence_ = 0;
  std::map<Key, v1::NodePlacement> reserved_;
  std::map<Key, v1::GangReport> gangs_;
  std::map<Key, v1::StartGangRequest> starts_;
  std::vector<std::string> asked_;
  std::vector<v1::GangReportAck> acks_;
  std::vector<std::function<void()>> held_;
};

}  // namespace muster

#endif  // MUSTER_TESTS_FAKES_FAKE_AGENT_H_
