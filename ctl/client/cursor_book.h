#ifndef MUSTER_CTL_CLIENT_CURSOR_BOOK_H_
#define MUSTER_CTL_CLIENT_CURSOR_BOOK_H_

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "muster/v1/log_service.pb.h"

namespace muster {

// Which streams of one host are wanted, and how far each has been taken: what makes a reader resume
// at the exact byte after its agent was away. Not thread-safe.
class CursorBook {
 public:
  struct Rank {
    std::string role;
    int rank = 0;
  };
  struct Options {
    std::string job_id;
    int attempt = 0;
    std::vector<Rank> ranks;  // Of this host; never empty.
    bool want_stdout = true;
    bool want_stderr = true;
    bool follow = true;
    int tail_lines = 0;  // 0: from the start.
  };
  explicit CursorBook(const Options& options);

  // What to ask for now: all that is not yet complete, each stream from its next byte. A follower
  // with a tail first reads the tails without following: only then every stream has a place to
  // follow from. Not to be called when Complete().
  v1::ReadLogsRequest NextRequest() const;

  // Cuts what was given before from `message`, and notes the rest as taken. False: nothing new is
  // left of it. DATA_LOSS: a hole or damaged bytes; read again.
  absl::Status Take(v1::ReadLogsResponse* message, bool* has_news);

  // The stream has ended without an error: it gave all that it was asked for.
  void StreamDone();
  // It broke: what it had begun is read on from its place.
  void StreamBroken() { broken_ = true; }

  // Whether nothing is left to read.
  bool Complete() const;

 private:
  struct Stream {
    int64_t next = -1;  // -1: nothing known yet, begins with the tail.
    bool ended = false;
  };
  using Key = std::tuple<std::string, int, v1::OutputStream>;

  absl::Status TakeChunk(v1::LogChunk* chunk, bool* has_news);

  const Options options_;
  std::map<Key, Stream> streams_;
  bool tails_read_;
  bool broken_ = false;
  bool all_read_ = false;  // Without `follow`: everything that there was.
};

}  // namespace muster

#endif  // MUSTER_CTL_CLIENT_CURSOR_BOOK_H_
