#include "agent/shim/log_format.h"

#include "agent/shim/codec.h"

namespace muster {
namespace {

constexpr size_t kOffsetDigits = 16;
constexpr size_t kCrcAt = 4;

// The CRC covers the record with its own field as zeros.
uint32_t RecordCrc(std::string bytes) {
  bytes.replace(kCrcAt, 4, 4, '\0');
  return Crc32c(bytes.data(), bytes.size());
}

}  // namespace

std::string StreamName(const std::string& role, int32_t rank, bool is_stderr) {
  return role + "-" + std::to_string(rank) + (is_stderr ? ".err" : ".out");
}

std::string IndexName(const std::string& stream) { return stream + ".index"; }

std::string SegmentName(const std::string& stream, int64_t offset) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string digits(kOffsetDigits, '0');
  auto left = static_cast<uint64_t>(offset);
  for (size_t i = kOffsetDigits; i-- > 0; left >>= 4) digits[i] = kHex[left & 15];
  return stream + "." + digits;
}

bool ParseSegmentName(const std::string& stream, const std::string& name, int64_t* offset) {
  if (name.size() != stream.size() + 1 + kOffsetDigits ||
      name.compare(0, stream.size(), stream) != 0 || name[stream.size()] != '.') {
    return false;
  }
  uint64_t value = 0;
  for (size_t i = stream.size() + 1; i < name.size(); ++i) {
    const char c = name[i];
    if (c >= '0' && c <= '9') {
      value = value << 4 | static_cast<uint64_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      value = value << 4 | static_cast<uint64_t>(c - 'a' + 10);
    } else {
      return false;
    }
  }
  if (value > INT64_MAX) return false;
  *offset = static_cast<int64_t>(value);
  return true;
}

const char* GapReasonText(GapReason reason) {
  switch (reason) {
    case GapReason::kDroppedOldest:
      return "the oldest output was dropped at the size limit";
    case GapReason::kDroppedNew:
      return "new output was dropped at the size limit";
    case GapReason::kDiskFull:
      return "the disk was full";
    case GapReason::kWriteError:
      return "the log file could not be written";
    case GapReason::kCut:
      return "the log file was truncated or removed by somebody";
    case GapReason::kNone:
      break;
  }
  return "unknown reason";
}

std::string EncodeLogRecord(const LogRecord& record) {
  Encoder out;
  out.U8(static_cast<uint8_t>(record.kind));
  out.U8(static_cast<uint8_t>(record.reason));
  out.U16(0);
  out.U32(0);
  out.I64(record.offset);
  out.I64(record.length);
  out.I64(record.boottime_ns);
  out.I64(record.wall_ns);
  std::string bytes = out.Take();
  const uint32_t crc = RecordCrc(bytes);
  for (size_t i = 0; i < 4; ++i) bytes[kCrcAt + i] = static_cast<char>(crc >> (8 * i));
  return bytes;
}

bool DecodeLogRecord(const void* data, LogRecord* record) {
  Decoder in(data, kLogRecordSize);
  LogRecord read;
  const uint8_t kind = in.U8();
  read.kind = static_cast<LogRecordKind>(kind);
  read.reason = static_cast<GapReason>(in.U8());
  in.U16();
  const uint32_t crc = in.U32();
  read.offset = in.I64();
  read.length = in.I64();
  read.boottime_ns = in.I64();
  read.wall_ns = in.I64();
  if (crc != RecordCrc(std::string(static_cast<const char*>(data), kLogRecordSize))) return false;
  if (kind < static_cast<uint8_t>(LogRecordKind::kMark) ||
      kind > static_cast<uint8_t>(LogRecordKind::kFile) || read.offset < 0 || read.length < 0) {
    return false;
  }
  *record = read;
  return true;
}

std::vector<LogRecord> DecodeLogIndex(const std::string& bytes) {
  std::vector<LogRecord> records;
  for (size_t at = 0; at + kLogRecordSize <= bytes.size(); at += kLogRecordSize) {
    LogRecord record;
    if (DecodeLogRecord(bytes.data() + at, &record)) records.push_back(record);
  }
  return records;
}

}  // namespace muster
