#include "agent/shim/exit_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "agent/shim/codec.h"
#include "agent/shim/kernel.h"
#include "common/base/failpoint.h"

namespace muster {
namespace {

constexpr size_t kCrcAt = 4;
constexpr size_t kGrain = 4096;  // fallocate in whole blocks.

uint32_t RecordCrc(std::string bytes) {
  bytes.replace(kCrcAt, 4, 4, '\0');
  return Crc32c(bytes.data(), bytes.size());
}

JournalRecord Header(int ranks) {
  JournalRecord header;
  header.kind = JournalKind::kHeader;
  header.index = ranks;
  header.code = kJournalMajor;
  header.error = kJournalMinor;
  header.boottime_ns = BootNs();
  header.wall_ns = WallNs();
  return header;
}

}  // namespace

std::string EncodeJournalRecord(const JournalRecord& record) {
  Encoder out;
  out.U8(static_cast<uint8_t>(record.kind));
  out.U8(record.flags);
  out.U16(static_cast<uint16_t>(record.step));
  out.U32(0);
  out.I32(record.index);
  out.I32(record.restart);
  out.I32(record.pid);
  out.I32(record.code);
  out.I32(record.signal);
  out.I32(record.error);
  out.I64(record.boottime_ns);
  out.I64(record.wall_ns);
  out.I64(record.out_bytes);
  out.I64(record.err_bytes);
  out.I64(static_cast<int64_t>(record.sequence));
  out.I64(0);
  std::string bytes = out.Take();
  const uint32_t crc = RecordCrc(bytes);
  for (size_t i = 0; i < 4; ++i) bytes[kCrcAt + i] = static_cast<char>(crc >> (8 * i));
  return bytes;
}

bool DecodeJournalRecord(const void* data, JournalRecord* record) {
  Decoder in(data, kJournalRecordSize);
  JournalRecord read;
  const uint8_t kind = in.U8();
  read.kind = static_cast<JournalKind>(kind);
  read.flags = in.U8();
  read.step = static_cast<StartStep>(in.U16());
  const uint32_t crc = in.U32();
  read.index = in.I32();
  read.restart = in.I32();
  read.pid = in.I32();
  read.code = in.I32();
  read.signal = in.I32();
  read.error = in.I32();
  read.boottime_ns = in.I64();
  read.wall_ns = in.I64();
  read.out_bytes = in.I64();
  read.err_bytes = in.I64();
  read.sequence = static_cast<uint64_t>(in.I64());
  if (kind == 0 || read.index < 0 ||
      (crc != RecordCrc(std::string(static_cast<const char*>(data), kJournalRecordSize)) &&
       !Planted("skip_exit_checksum"))) {
    return false;
  }
  *record = read;
  return true;
}

JournalContents DecodeJournal(const std::string& bytes) {
  JournalContents contents;
  size_t unsound = 0;
  for (size_t i = 0; (i + 1) * kJournalRecordSize <= bytes.size(); ++i) {
    JournalRecord record;
    if (!DecodeJournalRecord(bytes.data() + i * kJournalRecordSize, &record) ||
        record.sequence != i) {
      ++unsound;
      continue;
    }
    if (unsound > 0) contents.damaged = true;
    contents.next = i + 1;
    if (record.kind == JournalKind::kHeader) {
      contents.has_header = true;
      contents.wrong_version = record.code != kJournalMajor;
    } else {
      contents.records.push_back(record);
    }
  }
  return contents;
}

bool ExitJournal::Open(const std::string& path, int ranks, bool durable,
                       JournalContents* contents) {
  file_.reset(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  dir_.reset(open(path.substr(0, path.rfind('/')).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::string bytes;
  if (!file_.valid() || !dir_.valid() || !ReadWhole(path, &bytes)) return false;
  *contents = DecodeJournal(bytes);
  durable_ = durable;
  ranks_ = static_cast<size_t>(ranks);
  next_ = contents->next;
  if (!Reserve(0)) return false;
  return contents->has_header || Append(Header(ranks));
}

bool ExitJournal::ReserveLife() { return Reserve(2); }

bool ExitJournal::Reserve(size_t records) {
  // Header, then per rank a start, an exit and its lengths, and the end: what may still be written
  // is never more than that, so reserving it again from `next_` keeps the promise.
  const size_t needed = next_ + 2 + 3 * ranks_ + records;
  if (needed <= reserved_) return true;
  const size_t size = (needed * kJournalRecordSize + kGrain - 1) / kGrain * kGrain;
  int error = 0;
  do {
    error = posix_fallocate(file_.get(), 0, static_cast<off_t>(size));
  } while (error == EINTR);
  if (error != 0) {
    errno = error;
    return false;
  }
  reserved_ = size / kJournalRecordSize;
  return true;
}

bool ExitJournal::Append(std::vector<JournalRecord> records) {
  std::string bytes;
  size_t next = next_;
  for (JournalRecord& record : records) {
    record.sequence = next++;
    bytes += EncodeJournalRecord(record);
  }
  if (!WriteAt(file_.get(), bytes.data(), bytes.size(),
               static_cast<int64_t>(next_ * kJournalRecordSize))) {
    return false;
  }
  next_ = next;
  return true;
}

bool ExitJournal::Sync() {
  if (!durable_ || Planted("skip_exit_fsync")) return true;
  // The name of the file, once: here, and not on the way of a gang's start.
  if (dir_.valid() && fsync(dir_.get()) != 0) return false;
  dir_.reset();
  return fdatasync(file_.get()) == 0;
}

}  // namespace muster
