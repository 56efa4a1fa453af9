#ifndef MUSTER_AGENT_SHIM_OUTPUT_PUMP_H_
#define MUSTER_AGENT_SHIM_OUTPUT_PUMP_H_

#include <cstdint>
#include <string>

#include "agent/shim/log_file.h"
#include "agent/shim/shim_plan.h"
#include "common/base/unique_fd.h"

namespace muster {

// Moves the output of one stream from its pipe into its files by splice, so that a kill at any
// moment neither loses nor doubles a byte. A PTY, or a file system without splice, is read and
// written instead: that can lose the one chunk that is between the two when the shim is killed.
// What to do when there is no room is the plan's log_full; what is dropped becomes a gap record.
// Single-threaded; never blocks but on the disk.
class OutputPump {
 public:
  enum class Result {
    kDry,      // Nothing is there now.
    kMore,     // The budget is used up.
    kGated,    // Little was there: leave the pipe alone for 1 ms, then much more is moved at once.
    kBlocked,  // No room, and the policy is to wait: try again later.
    kEnded,    // No writer is left. The owner takes the pipe out of its poller and closes it.
  };
  struct Options {
    LogFile::Options file;
    int64_t max_size = 0;
    LogFull log_full = LogFull::kDropOldest;
  };
  explicit OutputPump(const Options& options);

  void Recover() { length_ = file_.Recover(); }
  // The read end of a pipe, or the master of a PTY; an invalid one closes the present one.
  void SetPipe(UniqueFd pipe, bool is_tty);
  int pipe() const { return pipe_.get(); }
  bool is_open() const { return pipe_.valid() && !ended_; }
  // Another write end of the pipe that is open, for the rank's next life; or -1.
  int ReopenWriteEnd() const;

  // Moves at most about `budget` bytes.
  Result Pump(int64_t budget);
  // Moves all that was in the pipe at the call; bounded although others may go on writing.
  void Drain();
  // Makes the stream's file although nothing was written.
  void CreateEmpty() { file_.Prepare(length_); }
  // Nothing that could make room will come any more: from now on drops what does not fit.
  void GiveUpWaiting() { log_full_ = LogFull::kDropNew; }
  // Writes what the index is owed.
  void Settle() { file_.index()->Settle(); }
  // As if no writer were left.
  void Close() { ended_ = true; }
  // All bytes so far, those in gaps as well.
  int64_t length() const { return length_; }
  // No pipe, no byte in memory.
  bool done() const { return !is_open() && carried_.empty(); }

 private:
  // 0 when there is room (then `*room` says how much), an errno when not.
  int MakeRoom(int64_t* room);
  Result HandleFull(int error);
  Result Discard(GapReason reason);
  Result End();
  int64_t Waiting() const;
  bool HungUp() const;
  Result Splice(int64_t limit, int64_t* moved);
  Result Copy(int64_t limit, int64_t* moved);

  const Options options_;
  LogFull log_full_;
  LogFile file_;
  UniqueFd pipe_;
  int64_t pipe_size_ = 0;
  bool ended_ = false;
  bool is_tty_ = false;
  bool copies_ = false;
  std::string carried_;  // Read, but not yet written; only when copying.
  int64_t length_ = 0;
};

}  // namespace muster

#endif  // MUSTER_AGENT_SHIM_OUTPUT_PUMP_H_
