#ifndef MUSTER_AGENT_SHIM_OUTPUT_SET_H_
#define MUSTER_AGENT_SHIM_OUTPUT_SET_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/shim/output_pump.h"
#include "agent/shim/poller.h"
#include "agent/shim/shim_plan.h"
#include "common/base/unique_fd.h"

namespace muster {

// The output of all ranks: two pumps each, when each may run next, and who wants to know of growth.
// Single-threaded; lives as long as the shim.
class OutputSet {
 public:
  // False: not now, ask again.
  using GrewFn = std::function<bool(int index, bool is_stderr, int64_t length)>;
  using ClosedFn = std::function<void(int index, bool is_stderr)>;

  // All pointers must outlive this object. `fresh`: no shim has run this gang before.
  OutputSet(const ShimPlan* plan, int logs_dir, bool fresh, Poller* poller);
  void SetObservers(GrewFn grew, ClosedFn closed);

  // The lengths that an earlier shim has left.
  void Recover();
  // Takes over a read end.
  void AdoptPipe(int index, bool is_stderr, UniqueFd pipe);
  // Makes the pipes (or the PTY) for a life of the rank, where none is open from the last one.
  // Returns 0 and the write ends, or errno.
  int OpenPipes(int index, UniqueFd* out, UniqueFd* err);

  void OnReadable(int index, bool is_stderr);
  // All that the rank has written until now.
  void Drain(int index);
  void DrainAll();
  void CreateEmptyFiles();

  // Whether every pipe has ended and every byte is written.
  bool Done() const;
  // Whether a stream waits for room.
  bool Blocked() const;
  // With no writer left: closes what is open, and drops what waits for room.
  void CloseAll();

  // Runs what is due; NextDeadlineNs() (CLOCK_BOOTTIME) says when that is, or -1.
  void OnTime(int64_t now_ns);
  int64_t NextDeadlineNs() const;

  // Growth of a stream is told at most once per millisecond.
  void Subscribe(int index, bool is_stderr, bool on);
  void UnsubscribeAll();
  int64_t length(int index, bool is_stderr) const { return At(index, is_stderr).pump->length(); }
  int pipe(int index, bool is_stderr) const { return At(index, is_stderr).pump->pipe(); }

 private:
  struct Stream {
    std::unique_ptr<OutputPump> pump;
    bool blocked = false;
    int64_t resume_ns = -1;  // The pipe is left alone until then.
    bool subscribed = false;
    int64_t told_length = -1;
    int64_t told_ns = 0;
  };

  Stream& At(int index, bool is_stderr) {
    return streams_[static_cast<size_t>(index) * 2 + (is_stderr ? 1 : 0)];
  }
  const Stream& At(int index, bool is_stderr) const {
    return streams_[static_cast<size_t>(index) * 2 + (is_stderr ? 1 : 0)];
  }
  int OpenTty(OutputPump* pump, UniqueFd* out, UniqueFd* err);
  int OpenPipe(OutputPump* pump, UniqueFd* write_end);
  void Watch(size_t stream);
  void Run(size_t stream);
  void CloseIfEnded(size_t stream);
  void Tell(size_t stream, int64_t now_ns);

  const ShimPlan* const plan_;
  Poller* const poller_;
  GrewFn grew_;
  ClosedFn closed_;
  std::vector<Stream> streams_;  // out, err of rank 0, out, err of rank 1, …
};

}  // namespace muster

#endif  // MUSTER_AGENT_SHIM_OUTPUT_SET_H_
