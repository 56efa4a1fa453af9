#ifndef MUSTER_AGENT_SHIM_SUPERVISOR_H_
#define MUSTER_AGENT_SHIM_SUPERVISOR_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "agent/shim/agent_link.h"
#include "agent/shim/exit_journal.h"
#include "agent/shim/fence_keeper.h"
#include "agent/shim/gang_processes.h"
#include "agent/shim/gang_stopper.h"
#include "agent/shim/output_set.h"
#include "agent/shim/poller.h"
#include "agent/shim/rank_slot.h"
#include "agent/shim/rank_spawner.h"
#include "agent/shim/shim_plan.h"

namespace muster {

// The life of a gang on this host: starts its ranks, pumps their output, records each exit before
// it is reaped, stops what must stop, and tells the agent, if there is one. Ends when no process of
// the gang is left, every exit is durable and every log is written; it never waits for an agent.
// One thread, one poll loop.
class Supervisor {
 public:
  struct Parts {  // All must outlive the supervisor.
    const ShimPlan* plan = nullptr;
    Poller* poller = nullptr;
    AgentLink* link = nullptr;
    ExitJournal* journal = nullptr;
    int logs_dir = -1;
    int signals = -1;     // A signalfd for SIGCHLD.
    std::string program;  // This shim's file, for a successor.
  };
  // `recorded`: what an earlier shim of this gang has journalled. With `resume` no rank is started:
  // the gang goes on with what it was left.
  Supervisor(const Parts& parts, bool resume, const std::vector<JournalRecord>& recorded);

  // Takes what a dead shim's client held, before Run(), until the agent says that this was all or
  // is gone.
  void AwaitAdoption();
  // Returns the exit code of the program.
  int Run();

 private:
  // How long the kernel may take to tell the exit of a process that is not our child.
  static constexpr int64_t kStrangerWaitNs = 1'000'000'000;

  // Starting: supervisor.cc.
  void StartAll();
  void StartRank(size_t index, int restart);
  void RecordStartFailure(size_t index, StartStep step, int error, int detail);
  void CommitFailedStarts();
  void SendNewDescriptors();
  void Adopt(const NamedDescriptor& descriptor, UniqueFd fd);
  void Resume();
  bool AdoptByPid(RankSlot* slot);
  void RunWantedRestarts();

  // One round of the loop.
  void Round(int64_t timeout_ns);
  int64_t Timeout() const;
  void Dispatch(const Poller::Event& event);
  bool RanksEnded() const;
  bool MayFinish();
  void Finish();

  // Exits: supervisor_exits.cc.
  void NoteGone(size_t index);
  void CollectExits();
  bool ReadExit(RankSlot* slot, JournalRecord* exit);
  bool ReadStrangerExit(RankSlot* slot, JournalRecord* exit);
  void MarkOutOfMemory(std::vector<JournalRecord>* exits);
  void Commit(const std::vector<JournalRecord>& exits);
  void Reap(RankSlot* slot);
  void ReapAdopted();

  // The agent: supervisor_agent.cc.
  void SettleLease();
  void TakeLease(int64_t epoch, int64_t until_ns, int64_t grace_ms);
  void KeepFence(int64_t now_ns);
  void Replay();
  void ReadAgent();
  void OnFrame(const Frame& frame);
  void AddDescriptors(size_t index, std::vector<NamedDescriptor>* descriptors) const;
  void SendRecord(FrameType type, const JournalRecord& record);
  void SendLength(int index, bool is_stderr, int64_t length);
  [[noreturn]] void Die(const char* what);

  const Parts parts_;
  const ShimPlan& plan_;
  const bool resume_;
  std::vector<RankSlot> slots_;
  GangProcesses processes_;
  RankSpawner spawner_;
  OutputSet outputs_;
  GangStopper stopper_;
  FenceKeeper fence_;
  bool running_ = false;          // What the agent says counts from its present moment on.
  std::vector<size_t> gone_;      // Ranks whose exit is to be collected in this round.
  bool starting_ = false;         // The first starts are under way.
  std::vector<size_t> deferred_;  // Ranks that succeeded meanwhile.
  std::vector<JournalRecord> failed_starts_;
  std::vector<NamedDescriptor> to_send_;
  std::vector<Frame> early_;  // What the agent asked for during the adoption.
  bool child_signal_ = false;
  bool restarts_wanted_ = false;
  int64_t oom_kills_ = -1;
  int64_t waiting_for_room_ns_ = -1;
};

}  // namespace muster

#endif  // MUSTER_AGENT_SHIM_SUPERVISOR_H_
