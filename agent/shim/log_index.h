#ifndef MUSTER_AGENT_SHIM_LOG_INDEX_H_
#define MUSTER_AGENT_SHIM_LOG_INDEX_H_

#include <cstdint>
#include <string>
#include <vector>

#include "agent/shim/log_format.h"
#include "common/base/unique_fd.h"

namespace muster {

// Writes the index of one stream (log_format.h). The file is made with the first record. A mark
// that cannot be written is left out; gaps and file positions are kept in memory until they can be.
// Single-threaded; lives as long as its stream.
class LogIndex {
 public:
  // `logs_dir` is a descriptor that must outlive this object.
  LogIndex(int logs_dir, std::string stream) : logs_dir_(logs_dir), name_(IndexName(stream)) {}

  // What the file says already, in order; later records go after the last sound one.
  std::vector<LogRecord> Recover();

  // Bytes were written from `offset` on: records it when the grain asks for it.
  void Mark(int64_t offset);
  // Grows the last record instead when it is the same gap going on.
  void Gap(int64_t offset, int64_t length, GapReason reason);
  void File(int64_t offset, int64_t file_offset);
  // Writes what is owed. False: some is still owed.
  bool Settle();

 private:
  bool Open();
  bool Put(const LogRecord& record, int64_t at);
  void Owe(const LogRecord& record);

  const int logs_dir_;
  const std::string name_;
  UniqueFd file_;
  int64_t end_ = 0;  // File offset of the next record.
  LogRecord last_;   // At end_ - kLogRecordSize, when end_ > 0.
  std::vector<LogRecord> owed_;
  int64_t marked_offset_ = -1;
  int64_t marked_ns_ = 0;
};

}  // namespace muster

#endif  // MUSTER_AGENT_SHIM_LOG_INDEX_H_
