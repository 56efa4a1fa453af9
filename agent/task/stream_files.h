#ifndef MUSTER_AGENT_TASK_STREAM_FILES_H_
#define MUSTER_AGENT_TASK_STREAM_FILES_H_

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/shim/log_format.h"
#include "common/base/unique_fd.h"

namespace muster {

// The files of one stream of one rank, as agent/shim/log_format.h lays them out: the index, and
// either segments or the user's one file. Reads them while msshim writes them. Keeps what the index
// says of gaps and files, no data and no marks, and nothing open: thousands of ended streams are
// there for days. Not thread-safe; its calls read local files.
class StreamFiles {
 public:
  struct Where {
    std::string logs_dir;   // gang_dir/logs.
    std::string stream;     // StreamName().
    std::string user_path;  // Empty: segments.
  };
  struct Gap {
    int64_t end = 0;
    GapReason reason = GapReason::kNone;
  };
  // An open file that holds part of the stream: byte X lies at X - `shift`, for `first` <= X <
  // `end`.
  struct Part {
    UniqueFd fd;
    int64_t first = 0;
    int64_t end = std::numeric_limits<int64_t>::max();
    int64_t shift = 0;
  };

  explicit StreamFiles(Where where);

  // Reads what the index has got since the last call.
  absl::Status Refresh();
  // Bytes of the stream that the files show.
  absl::StatusOr<int64_t> Length();
  // Somebody who knows says that the stream has bytes.
  void ExpectBytes() { expects_bytes_ = true; }

  // The hole that covers byte `offset`, or nullptr. As of the last Refresh().
  const Gap* GapAt(int64_t offset) const;
  // First byte of the next hole after `offset`; the greatest number when there is none.
  int64_t NextGap(int64_t offset) const;

  // Opens the part that holds byte `offset`, or will. NOT_FOUND: there is none (yet).
  absl::StatusOr<Part> Open(int64_t offset);
  // First byte at or after `offset` that some file can hold; nullopt: none.
  absl::StatusOr<std::optional<int64_t>> NextPart(int64_t offset);

  // When the host took byte `offset`, to the grain of the index; InfinitePast when it does not say.
  absl::Time TimeOf(int64_t offset);

 private:
  struct FilePart {
    int64_t offset;       // In the stream.
    int64_t file_offset;  // In the user's file.
  };

  absl::StatusOr<UniqueFd> OpenIndex() const;  // Invalid: there is none yet.
  void Take(const LogRecord& record);
  void AddGap(int64_t begin, Gap gap);
  static bool ReadRecord(int index, int64_t number, LogRecord* record);
  absl::StatusOr<std::vector<int64_t>> Segments() const;  // Their first bytes, ascending.

  const Where where_;
  bool has_index_ = false;
  bool expects_bytes_ = false;
  int64_t records_ = 0;  // Records that were read. The last one is read again by each Refresh().
  std::map<int64_t, Gap> gaps_;  // By first byte; disjoint.
  std::vector<FilePart> parts_;  // Of the user's file, in order.
};

}  // namespace muster

#endif  // MUSTER_AGENT_TASK_STREAM_FILES_H_
