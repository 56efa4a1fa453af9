#ifndef MUSTER_AGENT_SHIM_RANK_SLOT_H_
#define MUSTER_AGENT_SHIM_RANK_SLOT_H_

#include <sys/types.h>

#include <cstdint>

#include "agent/shim/exit_journal.h"
#include "common/base/unique_fd.h"

namespace muster {

// One rank, as the supervisor sees it.
struct RankSlot {
  enum class State { kWaiting, kRunning, kEnded };

  State state = State::kWaiting;
  int restart = 0;
  pid_t pid = -1;
  UniqueFd pidfd;
  bool is_child = true;      // Of this shim; else of a dead one.
  bool stopped = false;      // We have signalled it.
  bool has_started = false;  // `started` is of this life.
  JournalRecord started;
  bool has_exit = false;  // `exit` is of this life.
  JournalRecord exit;
  // Not our child: when we began to wait for its exit status, or -1; and what the agent has told.
  int64_t gone_since_ns = -1;
  bool told = false;
  int told_status = 0;
  // A restart that waits for the end of what the last life left.
  int wanted_restart = 0;
};

}  // namespace muster

#endif  // MUSTER_AGENT_SHIM_RANK_SLOT_H_
