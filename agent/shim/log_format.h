// The files of a gang, as msshim writes and the agent reads them. No Abseil.
//
// gang_dir/
//   plan     EncodeShimPlan(), written by the agent before the start.
//   lock     flock(LOCK_EX) by the shim for its life.
//   sock     the shim's Unix socket.
//   exits    the exit journal (exit_journal.h); read it by ReadGangRecord().
//   logs/    ROLE-RANK.out.index, ROLE-RANK.err.index, and the segments
//            ROLE-RANK.out.OFFSET, ROLE-RANK.err.OFFSET (16 hex digits: of its first byte).
//
// A stream is a sequence of bytes counted from 0, over all lives of its rank in this attempt. It
// has two streams, .out and .err; with a PTY, or when out_path is not empty and equals err_path,
// all goes to .out and .err stays empty (MergesStreams() in shim_plan.h).
//
// Where byte X of a stream is:
//   1. In a hole when a kGap record covers it.
//   2. Else, with out_path/err_path empty, in the segment with the greatest OFFSET <= X, at
//   X-OFFSET.
//   3. Else in the user's file, at X - record.offset + record.length, by the last kFile record with
//      record.offset <= X.
// No file of a stream exists before its first byte (or gap). Files are written at explicit offsets
// by the shim alone; a stream's length is told by ShimEvents::OnGrew and ReadGangRecord, and never
// shrinks: under drop_oldest only the front goes, as a kGap record and then the unlink.
//
// The index is a sequence of fixed records in order of their writing. Only the last one may change
// in place (a gap that grows), so a reader that polls starts again at its last record. Records
// whose CRC is wrong are a torn write after a power cut: skip them.
#ifndef MUSTER_AGENT_SHIM_LOG_FORMAT_H_
#define MUSTER_AGENT_SHIM_LOG_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace muster {

inline constexpr char kPlanFile[] = "plan";
inline constexpr char kLockFile[] = "lock";
inline constexpr char kSocketFile[] = "sock";
inline constexpr char kExitsFile[] = "exits";
inline constexpr char kLogsDir[] = "logs";

// "ROLE-RANK.out" or "ROLE-RANK.err".
std::string StreamName(const std::string& role, int32_t rank, bool is_stderr);
// File names below logs/.
std::string IndexName(const std::string& stream);
std::string SegmentName(const std::string& stream, int64_t offset);
// Whether `name` is a segment of `stream`, and its first byte.
bool ParseSegmentName(const std::string& stream, const std::string& name, int64_t* offset);

enum class LogRecordKind : uint8_t {
  kMark = 1,  // Byte `offset` was taken at these times. At least one per 64 KiB and per 100 ms with
              // output; a stream's first byte has one.
  kGap = 2,   // The bytes [offset, offset + length) do not exist, for `reason`.
  kFile = 3,  // From byte `offset` on the user's file holds the stream, from file offset `length`.
};

enum class GapReason : uint8_t {
  kNone = 0,
  kDroppedOldest = 1,  // log_full: drop_oldest removed a segment.
  kDroppedNew = 2,     // log_full: drop_new, at max_size.
  kDiskFull = 3,       // The disk had no room, and the policy is not to block.
  kWriteError = 4,     // The file could not be opened or written.
  kCut = 5,            // Somebody truncated or removed the user's file.
};
// "dropped to stay below the size limit" …; never null.
const char* GapReasonText(GapReason reason);

// One record of an index.
struct LogRecord {
  LogRecordKind kind = LogRecordKind::kMark;
  GapReason reason = GapReason::kNone;
  int64_t offset = 0;
  int64_t length = 0;
  int64_t boottime_ns = 0;  // CLOCK_BOOTTIME.
  int64_t wall_ns = 0;      // CLOCK_REALTIME, since 1970.
};

inline constexpr size_t kLogRecordSize = 40;

std::string EncodeLogRecord(const LogRecord& record);
// `data` holds kLogRecordSize bytes. False: damaged, or of a kind that this version does not know.
bool DecodeLogRecord(const void* data, LogRecord* record);
// All whole and sound records of an index file's bytes, in order.
std::vector<LogRecord> DecodeLogIndex(const std::string& bytes);

}  // namespace muster

#endif  // MUSTER_AGENT_SHIM_LOG_FORMAT_H_
