#ifndef MUSTER_AGENT_TASK_STREAM_LOG_H_
#define MUSTER_AGENT_TASK_STREAM_LOG_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "agent/task/output_log.h"
#include "agent/task/stream_files.h"

namespace muster {

class StreamReader;

// The OutputLog of one stream. Its owner (GangRunner) tells it of growth and of the end; it asks
// for growth only while a reader waits for it. Lives on the loop. Readers may outlive it: they then
// end at what the files hold.
class StreamLog : public OutputLog {
 public:
  // `subscribe` turns the news of growth on or off; it may be called at any time, also in vain.
  StreamLog(StreamFiles::Where where, std::function<void(bool on)> subscribe);
  ~StreamLog() override;

  int64_t length() const override;
  bool ended() const override { return state_->ended; }
  absl::StatusOr<std::unique_ptr<OutputReader>> Read(int64_t offset,
                                                     std::function<void()> on_data) override;
  absl::StatusOr<int64_t> OffsetOfLastLines(int lines) override;

  // The stream has this many bytes now.
  void OnGrew(int64_t length);
  // `length` is final; -1: it is what the files show.
  void OnEnded(int64_t length);
  // The source of news was replaced: asks it again, if somebody waits.
  void Resubscribe();

 private:
  friend class StreamReader;

  // What readers and log share.
  struct State {
    explicit State(StreamFiles::Where where) : files(std::move(where)) {}
    StreamFiles files;
    int64_t length = 0;  // The last that was heard of; final when `ended`.
    bool ended = false;
    StreamLog* log = nullptr;  // Null when it is gone.
  };

  // By a reader that has nothing to read.
  void Wait(StreamReader* reader);
  void Forget(StreamReader* reader) { waiting_.erase(reader); }
  void Notify();

  const std::shared_ptr<State> state_;
  const std::function<void(bool on)> subscribe_;
  bool subscribed_ = false;
  std::set<StreamReader*> waiting_;
};

}  // namespace muster

#endif  // MUSTER_AGENT_TASK_STREAM_LOG_H_
