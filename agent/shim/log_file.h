#ifndef MUSTER_AGENT_SHIM_LOG_FILE_H_
#define MUSTER_AGENT_SHIM_LOG_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "agent/shim/log_index.h"
#include "common/base/unique_fd.h"

namespace muster {

// Where the bytes of one stream go: segments below logs/, or one file of the user's. It is opened
// for its first byte and written at explicit offsets, never with O_APPEND, which splice refuses.
// Single-threaded; lives as long as its stream.
class LogFile {
 public:
  struct Options {
    int logs_dir = -1;               // A descriptor that must outlive this object.
    std::string stream;              // StreamName().
    std::string user_path;           // Empty: segments.
    bool keep_user_content = false;  // Write after what the user's file holds already.
    int64_t segment_size = 0;
  };
  explicit LogFile(const Options& options)
      : options_(options), index_(options.logs_dir, options.stream) {}

  // Takes up what an earlier shim has left. Returns the stream's length.
  int64_t Recover();

  // Makes fd() ready for the byte `offset`: opens, rotates, notices that the user's file was cut.
  // Returns 0 or errno.
  int Prepare(int64_t offset);
  int fd() const { return file_.get(); }
  bool is_open() const { return file_.valid(); }
  int64_t Position(int64_t offset) const { return position_ + (offset - base_); }
  // Bytes that may be written at `offset` before the next rotation.
  int64_t Room(int64_t offset) const;
  // Whether Prepare(offset) would begin a segment.
  bool NeedsSegment(int64_t offset) const;

  bool has_segments() const { return options_.user_path.empty(); }
  // Bytes from the oldest segment's first to `offset`.
  int64_t Retained(int64_t offset) const;
  // Removes the oldest closed segment, its gap record first. False: there is none.
  bool DropOldest();
  // Forgets segments that somebody else has removed. Returns whether there were any.
  bool ForgetRemoved();

  LogIndex* index() { return &index_; }

 private:
  struct Placement {
    int64_t offset;
    int64_t file_offset;
  };

  int OpenSegment(int64_t offset);
  int OpenUserFile(int64_t offset);
  int CheckUserFile(int64_t offset);
  void Place(int64_t offset, int64_t file_offset);
  // Of the stream byte that lies at `file_offset` of the user's file.
  int64_t StreamOffsetAt(int64_t file_offset) const;

  const Options options_;
  LogIndex index_;
  UniqueFd file_;
  // The stream's byte base_ lies at position_ of the open file.
  int64_t base_ = 0;
  int64_t position_ = 0;
  std::vector<int64_t> segments_;  // First bytes, oldest first; the last one is open.
  std::vector<Placement> placed_;  // The kFile records of the user's file.
};

}  // namespace muster

#endif  // MUSTER_AGENT_SHIM_LOG_FILE_H_
