#include "agent/shim/log_index.h"

#include <fcntl.h>
#include <unistd.h>

#include "agent/shim/kernel.h"

namespace muster {
namespace {

constexpr int64_t kMarkBytes = 64 << 10;
constexpr int64_t kMarkNs = 100'000'000;
constexpr off_t kFirstBlock = 4096;
constexpr auto kSize = static_cast<int64_t>(kLogRecordSize);

}  // namespace

std::vector<LogRecord> LogIndex::Recover() {
  std::vector<LogRecord> records;
  UniqueFd file(openat(logs_dir_, name_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return records;
  char bytes[kLogRecordSize];
  for (int64_t at = 0; pread(file.get(), bytes, sizeof(bytes), at) == kSize; at += kSize) {
    LogRecord record;
    if (!DecodeLogRecord(bytes, &record)) continue;
    records.push_back(record);
    last_ = record;
    end_ = at + kSize;
  }
  return records;
}

void LogIndex::Mark(int64_t offset) {
  const int64_t now = BootNs();
  const bool due =
      marked_offset_ < 0 || offset - marked_offset_ >= kMarkBytes || now - marked_ns_ >= kMarkNs;
  if (!due || !Settle()) return;
  LogRecord mark;
  mark.offset = offset;
  mark.boottime_ns = now;
  mark.wall_ns = WallNs();
  if (!Put(mark, end_)) return;
  marked_offset_ = offset;
  marked_ns_ = now;
}

void LogIndex::Gap(int64_t offset, int64_t length, GapReason reason) {
  LogRecord* grown = owed_.empty() ? &last_ : &owed_.back();
  const bool exists = !owed_.empty() || end_ > 0;
  if (exists && grown->kind == LogRecordKind::kGap && grown->reason == reason &&
      grown->offset + grown->length == offset) {
    LogRecord longer = *grown;
    longer.length += length;
    if (!owed_.empty()) {
      *grown = longer;
    } else if (!Put(longer, end_ - kSize)) {
      // The record on disk stays as it was; the rest of the gap follows as one of its own.
      longer.offset = offset;
      longer.length = length;
      owed_.push_back(longer);
    }
    return;
  }
  LogRecord gap;
  gap.kind = LogRecordKind::kGap;
  gap.reason = reason;
  gap.offset = offset;
  gap.length = length;
  gap.boottime_ns = BootNs();
  gap.wall_ns = WallNs();
  Owe(gap);
}

void LogIndex::File(int64_t offset, int64_t file_offset) {
  LogRecord file;
  file.kind = LogRecordKind::kFile;
  file.offset = offset;
  file.length = file_offset;
  file.boottime_ns = BootNs();
  file.wall_ns = WallNs();
  Owe(file);
}

void LogIndex::Owe(const LogRecord& record) {
  owed_.push_back(record);
  Settle();
}

bool LogIndex::Settle() {
  size_t done = 0;
  while (done < owed_.size() && Put(owed_[done], end_)) ++done;
  owed_.erase(owed_.begin(), owed_.begin() + static_cast<std::ptrdiff_t>(done));
  return owed_.empty();
}

bool LogIndex::Open() {
  file_.reset(openat(logs_dir_, name_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0640));
  if (!file_.valid()) return false;
  // A whole block at once, so that the gaps of a full disk have somewhere to go.
  if (end_ == 0) fallocate(file_.get(), FALLOC_FL_KEEP_SIZE, 0, kFirstBlock);
  return true;
}

bool LogIndex::Put(const LogRecord& record, int64_t at) {
  if (!file_.valid() && !Open()) return false;
  const std::string bytes = EncodeLogRecord(record);
  if (!WriteAt(file_.get(), bytes.data(), bytes.size(), at)) return false;
  last_ = record;
  end_ = at + kSize;
  return true;
}

}  // namespace muster
