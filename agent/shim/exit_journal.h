// gang_dir/exits: what happened to every rank, in fixed records with a CRC each, in the order in
// which it happened. No Abseil: msshim writes it, the agent reads it.
#ifndef MUSTER_AGENT_SHIM_EXIT_JOURNAL_H_
#define MUSTER_AGENT_SHIM_EXIT_JOURNAL_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/unique_fd.h"

namespace muster {

enum class JournalKind : uint8_t {
  kHeader = 1,    // index: ranks in the plan; code: major version; error: minor version.
  kStarted = 2,   // index, restart, pid.
  kExit = 3,      // A life ended, or could not begin (kNotStarted).
  kLengths = 4,   // index, out_bytes, err_bytes: final, when kFinished follows.
  kFinished = 5,  // The shim came to its end.
};

enum ExitFlag : uint8_t {
  kCoreDumped = 1,
  kOutOfMemory = 2,
  kStopped = 4,      // The shim had signalled it before.
  kUnknown = 8,      // Nobody saw how it ended.
  kNotStarted = 16,  // It never ran: `step` and `error` say why.
};

// At which step a start failed. The names for people are in agent/process.
enum class StartStep : uint16_t {
  kNone = 0,
  kPipes = 1,
  kProcess = 2,  // clone3.
  kCgroup = 3,
  kSession = 4,
  kAffinity = 5,
  kLimit = 6,  // `code` is the RLIMIT_*.
  kWorkdir = 7,
  kStdin = 8,
  kOutput = 9,
  kProgram = 10,
  kGangStopped = 11,  // Another rank failed first, or the gang was being stopped.
  kNotRecorded = 12,  // The shim died before it could record the start.
  kJournal = 13,      // No room to record a further life.
};

struct JournalRecord {
  JournalKind kind = JournalKind::kHeader;
  uint8_t flags = 0;  // ExitFlag.
  StartStep step = StartStep::kNone;
  int32_t index = 0;
  int32_t restart = 0;
  int32_t pid = 0;
  int32_t code = 0;
  int32_t signal = 0;
  int32_t error = 0;  // errno.
  int64_t boottime_ns = 0;
  int64_t wall_ns = 0;
  int64_t out_bytes = 0;
  int64_t err_bytes = 0;
  uint64_t sequence = 0;  // Its place in the file.
};

inline constexpr size_t kJournalRecordSize = 80;
inline constexpr int32_t kJournalMajor = 1;
inline constexpr int32_t kJournalMinor = 0;

std::string EncodeJournalRecord(const JournalRecord& record);
// `data` holds kJournalRecordSize bytes. False: damaged.
bool DecodeJournalRecord(const void* data, JournalRecord* record);

struct JournalContents {
  std::vector<JournalRecord> records;  // Sound ones, without the header.
  size_t next = 0;                     // Where the next record goes: after the last sound one.
  bool has_header = false;
  bool wrong_version = false;
  bool damaged = false;  // A record before the last sound one is not sound. A torn tail is none.
};
JournalContents DecodeJournal(const std::string& bytes);

// The shim's end. Every append is in the file (page cache) on return; Sync() puts it on the disk.
// Errors are false with errno. Single-threaded; lives as long as the shim.
class ExitJournal {
 public:
  // Makes or continues the file and gives it room for every record that `ranks` lives, their end
  // and the shim's can need. `contents` gets what it already says.
  bool Open(const std::string& path, int ranks, bool durable, JournalContents* contents);
  // Room for one further life. ENOSPC here refuses a start: an exit can always be recorded.
  bool ReserveLife();

  // Write `sequence` themselves.
  bool Append(JournalRecord record) { return Append(std::vector<JournalRecord>{record}); }
  bool Append(std::vector<JournalRecord> records);
  bool Sync();

 private:
  bool Reserve(size_t records);

  UniqueFd file_;
  UniqueFd dir_;  // Until its entry for the file is on the disk.
  bool durable_ = true;
  size_t ranks_ = 0;
  size_t next_ = 0;      // Record number of the next append.
  size_t reserved_ = 0;  // Records that the file has room for.
};

}  // namespace muster

#endif  // MUSTER_AGENT_SHIM_EXIT_JOURNAL_H_
