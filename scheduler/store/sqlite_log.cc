#include "scheduler/store/sqlite_log.h"

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/base/fs.h"

namespace muster {
namespace {

constexpr size_t kHeader = 32;
constexpr size_t kFrameHeader = 24;
constexpr uint32_t kMagic = 0x377f0682;  // The last bit: words of the sums are big-endian.
constexpr uint32_t kMinPage = 512;
constexpr uint32_t kMaxPage = 65536;
constexpr int64_t kMaxLog = int64_t{1} << 30;

uint32_t BigEndian(absl::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

uint32_t LittleEndian(absl::string_view bytes, size_t at) {
  return __builtin_bswap32(BigEndian(bytes, at));
}

struct Sum {
  uint32_t first = 0;
  uint32_t second = 0;

  void Add(absl::string_view bytes, bool big_endian) {
    for (size_t at = 0; at < bytes.size(); at += 8) {
      first += (big_endian ? BigEndian(bytes, at) : LittleEndian(bytes, at)) + second;
      second += (big_endian ? BigEndian(bytes, at + 4) : LittleEndian(bytes, at + 4)) + first;
    }
  }
  bool Fits(absl::string_view bytes, size_t at) const {
    return first == BigEndian(bytes, at) && second == BigEndian(bytes, at + 4);
  }
};

// One log, in memory.
class Log {
 public:
  explicit Log(absl::string_view bytes) : bytes_(bytes), page_(BigEndian(bytes, 8)) {}

  bool HeadIsSound() {
    const uint32_t magic = BigEndian(bytes_, 0);
    big_endian_ = (magic & 1) != 0;
    sum_.Add(bytes_.substr(0, 24), big_endian_);
    return (magic & ~uint32_t{1}) == kMagic && page_ >= kMinPage && page_ <= kMaxPage &&
           sum_.Fits(bytes_, 24);
  }

  // The first frame that is not sound, from the start.
  size_t FirstUnsound() {
    size_t frame = 0;
    for (; At(frame + 1) <= bytes_.size(); ++frame) {
      const size_t at = At(frame);
      sum_.Add(bytes_.substr(at, 8), big_endian_);
      sum_.Add(bytes_.substr(at + kFrameHeader, page_), big_endian_);
      if (BigEndian(bytes_, at + 8) != BigEndian(bytes_, 16) ||
          BigEndian(bytes_, at + 12) != BigEndian(bytes_, 20) || !sum_.Fits(bytes_, at + 16)) {
        break;
      }
    }
    return frame;
  }

  // Whether a commit at or after `frame` is followed by a frame of a further one.
  bool GoesOnAfter(size_t frame) const {
    bool committed = false;
    for (; At(frame) + kFrameHeader <= bytes_.size(); ++frame) {
      if (!IsOurs(frame)) continue;
      if (committed) return true;
      committed = BigEndian(bytes_, At(frame) + 4) != 0;
    }
    return false;
  }

 private:
  size_t At(size_t frame) const { return kHeader + frame * (kFrameHeader + page_); }
  // Not left over from before the log was begun anew: either salt, for the other may be damaged.
  bool IsOurs(size_t frame) const {
    return BigEndian(bytes_, At(frame) + 8) == BigEndian(bytes_, 16) ||
           BigEndian(bytes_, At(frame) + 12) == BigEndian(bytes_, 20);
  }

  const absl::string_view bytes_;
  const size_t page_;
  bool big_endian_ = false;
  Sum sum_;
};

}  // namespace

absl::Status CheckSqliteLog(const std::string& path) {
  if (!PathExists(path)) return absl::OkStatus();
  const absl::StatusOr<std::string> bytes = ReadFile(path, kMaxLog);
  if (!bytes.ok()) return bytes.status();
  if (bytes->size() <= kHeader) return absl::OkStatus();  // No commit is in it.
  Log log(*bytes);
  // It is on disk before any frame is written, and lies within one sector.
  if (!log.HeadIsSound()) return absl::DataLossError("the head of its log is damaged");
  const size_t unsound = log.FirstUnsound();
  if (!log.GoesOnAfter(unsound)) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("frame ", unsound, " of its log is damaged, and commits follow it"));
}

}  // namespace muster
