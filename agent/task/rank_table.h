#ifndef MUSTER_AGENT_TASK_RANK_TABLE_H_
#define MUSTER_AGENT_TASK_RANK_TABLE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/process/rank_exit.h"
#include "agent/task/task_state.h"
#include "muster/v1/agent_service.pb.h"
#include "muster/v1/task.pb.h"

namespace muster {

// The ranks that one gang has on this host, and what became of each. Turns what msshim tells, in
// any order and as often as it is told again, into the ranks of a GangReport. Indices are those of
// NodePlacement.ranks and of ShimPlan::ranks. Pure; logs one line per state change.
// Not called a table: that is Ascend's word for a file (launch/rank_table_file.h).
class RankStates {
 public:
  // Every rank is STARTING. `request` was checked by CheckStart().
  RankStates(const v1::StartGangRequest& request, const std::string& node_name);

  int size() const { return static_cast<int>(ranks_.size()); }
  // -1: there is none.
  int Find(const std::string& role, int rank) const;
  const v1::RankStatus& status(int index) const {
    return ranks_[static_cast<size_t>(index)].status;
  }
  TaskState state(int index) const { return ranks_[static_cast<size_t>(index)].state; }
  bool AllFinal() const;
  // Ranks that have, or may have, a process.
  int living() const;

  // Each returns whether something changed. Indices out of range and old lives are passed over.
  bool Started(int index, int restart, int pid, absl::Time when);
  bool Exited(const RankExit& exit);
  bool StopAll();
  // The next life of an ended rank begins. The caller has seen to it that it may.
  bool Restart(int index, int restart);
  // Ends every rank that has not ended, all alike.
  bool EndRest(TaskEvent event, const v1::ExitResult& exit);
  // Takes the ranks of an earlier report; false when they are not this gang's.
  bool Load(const v1::GangReport& report);

  // Replaces the ranks of `report`.
  void Fill(v1::GangReport* report) const;

 private:
  struct Rank {
    TaskState state = TaskState::kReserved;
    v1::RankStatus status;
  };

  Rank* At(int index);
  // False when `event` means nothing in the rank's state.
  bool Apply(Rank* rank, TaskEvent event);

  std::string tag_;  // "job=… attempt=…".
  std::vector<Rank> ranks_;
};

// How msshim's record of an exit reads in the API.
v1::ExitResult ExitResultOf(const RankExit& exit);

}  // namespace muster

#endif  // MUSTER_AGENT_TASK_RANK_TABLE_H_
