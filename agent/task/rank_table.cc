#include "agent/task/rank_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "agent/task/start_request.h"
#include "common/job/exit_result.h"
#include "glog/logging.h"
#include "google/protobuf/timestamp.pb.h"

namespace muster {
namespace {

void SetTime(absl::Time time, google::protobuf::Timestamp* to) {
  const timespec value = absl::ToTimespec(time);
  to->set_seconds(value.tv_sec);
  to->set_nanos(static_cast<int32_t>(value.tv_nsec));
}

TaskEvent EventOf(const RankExit& exit) {
  if (!exit.started) return TaskEvent::kSpawnFailed;
  return exit.known ? TaskEvent::kChildGone : TaskEvent::kExitUnknown;
}

}  // namespace

v1::ExitResult ExitResultOf(const RankExit& exit) {
  v1::ExitResult result;
  if (!exit.started) {
    result = NotStarted(exit.error.empty() ? "msshim could not start it" : exit.error);
    result.set_not_executable(exit.not_executable);
  } else if (!exit.known) {
    result = UnknownExit(exit.error.empty() ? "nobody was there to see its exit" : exit.error);
  } else if (exit.signal != 0) {
    result = KilledBy(exit.signal);
  } else {
    result = ExitedWith(exit.code);
  }
  result.set_core_dumped(exit.core_dumped);
  result.set_out_of_memory(exit.out_of_memory);
  result.set_stopped(exit.stopped);
  result.set_message(exit.message);
  return result;
}

RankStates::RankStates(const v1::StartGangRequest& request, const std::string& node_name)
    : tag_(absl::StrCat("job=", request.gang().job_id(), " attempt=", request.gang().attempt())) {
  for (const v1::RankPlacement& placement : HostOf(request).ranks()) {
    Rank rank;
    rank.state = TaskState::kStarting;
    rank.status.set_role(placement.role());
    rank.status.set_rank(placement.rank());
    rank.status.set_local_rank(placement.local_rank());
    rank.status.set_node_name(node_name);
    *rank.status.mutable_devices() = placement.devices();
    ranks_.push_back(rank);
  }
}

int RankStates::Find(const std::string& role, int rank) const {
  for (int i = 0; i < size(); ++i) {
    if (status(i).rank() == rank && status(i).role() == role) return i;
  }
  return -1;
}

bool RankStates::AllFinal() const { return living() == 0; }

int RankStates::living() const {
  return static_cast<int>(std::count_if(ranks_.begin(), ranks_.end(),
                                        [](const Rank& rank) { return !IsFinal(rank.state); }));
}

bool RankStates::Started(int index, int restart, int pid, absl::Time when) {
  Rank* const rank = At(index);
  if (rank == nullptr || restart < rank->status.restarts()) return false;
  if (restart > rank->status.restarts() && !Restart(index, restart)) return false;
  if (IsFinal(rank->state) || rank->status.pid() == pid) return false;  // Told again.
  rank->status.set_pid(pid);
  SetTime(when, rank->status.mutable_start_time());
  return Apply(rank, TaskEvent::kSpawned);
}

bool RankStates::Exited(const RankExit& exit) {
  Rank* const rank = At(exit.index);
  if (rank == nullptr || exit.restart < rank->status.restarts()) return false;
  if (exit.restart > rank->status.restarts() && !Restart(exit.index, exit.restart)) return false;
  const TaskEvent event = EventOf(exit);
  // A journal may hold the exit of a life whose start we were not told of.
  if (event == TaskEvent::kChildGone && rank->state == TaskState::kStarting) {
    Apply(rank, TaskEvent::kSpawned);
  }
  if (IsFinal(rank->state) || !Apply(rank, event)) return false;
  *rank->status.mutable_exit() = ExitResultOf(exit);
  SetTime(exit.wall, rank->status.mutable_end_time());
  rank->status.set_end_boottime_ns(exit.boottime_ns);
  rank->status.set_stdout_bytes(exit.out_bytes);
  rank->status.set_stderr_bytes(exit.err_bytes);
  return true;
}

bool RankStates::StopAll() {
  bool changed = false;
  for (Rank& rank : ranks_) {
    if (IsFinal(rank.state) || rank.state == TaskState::kStopping) continue;
    changed = Apply(&rank, TaskEvent::kStop) || changed;
  }
  return changed;
}

bool RankStates::Restart(int index, int restart) {
  Rank* const rank = At(index);
  if (rank == nullptr) return false;
  // After a crash of the agent this life's predecessor may have ended unheard.
  if (!IsFinal(rank->state)) rank->state = TaskState::kExited;
  if (!Apply(rank, TaskEvent::kRestart)) return false;
  rank->status.set_restarts(restart);
  rank->status.set_pid(0);
  rank->status.clear_exit();
  rank->status.clear_start_time();
  rank->status.clear_end_time();
  rank->status.set_end_boottime_ns(0);
  return true;
}

bool RankStates::EndRest(TaskEvent event, const v1::ExitResult& exit) {
  bool changed = false;
  for (Rank& rank : ranks_) {
    if (IsFinal(rank.state) || !Apply(&rank, event)) continue;
    *rank.status.mutable_exit() = exit;
    changed = true;
  }
  return changed;
}

bool RankStates::Load(const v1::GangReport& report) {
  if (report.ranks_size() != size()) return false;
  for (int i = 0; i < size(); ++i) {
    const v1::RankStatus& loaded = report.ranks(i);
    if (loaded.role() != status(i).role() || loaded.rank() != status(i).rank()) return false;
  }
  for (int i = 0; i < size(); ++i) {
    Rank& rank = ranks_[static_cast<size_t>(i)];
    rank.status = report.ranks(i);
    rank.state = rank.status.state() == v1::RANK_STATE_LOST      ? TaskState::kLost
                 : rank.status.state() == v1::RANK_STATE_UNKNOWN ? TaskState::kUnknown
                                                                 : TaskState::kExited;
  }
  return true;
}

void RankStates::Fill(v1::GangReport* report) const {
  report->clear_ranks();
  for (const Rank& rank : ranks_) {
    v1::RankStatus* const status = report->add_ranks();
    *status = rank.status;
    status->set_state(ToProto(rank.state));
  }
}

RankStates::Rank* RankStates::At(int index) {
  return index >= 0 && index < size() ? &ranks_[static_cast<size_t>(index)] : nullptr;
}

bool RankStates::Apply(Rank* rank, TaskEvent event) {
  const std::optional<TaskState> next = Next(rank->state, event);
  const std::string label = RankLabel(rank->status.role(), rank->status.rank());
  if (!next.has_value()) {
    LOG(WARNING) << tag_ << " " << label << ": " << Name(event) << " means nothing in state "
                 << Name(rank->state);
    return false;
  }
  if (*next != rank->state) {
    LOG(INFO) << tag_ << " " << label << " " << Name(rank->state) << "→" << Name(*next)
              << " pid=" << rank->status.pid();
  }
  rank->state = *next;
  return true;
}

}  // namespace muster
