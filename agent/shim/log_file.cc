#include "agent/shim/log_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "agent/shim/kernel.h"

namespace muster {
namespace {

constexpr int64_t kNoBound = int64_t{1} << 62;

std::vector<int64_t> FindSegments(int logs_dir, const std::string& stream) {
  std::vector<int64_t> offsets;
  const int copy = openat(logs_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return offsets;
  DIR* dir = fdopendir(copy);
  if (dir == nullptr) {
    close(copy);
    return offsets;
  }
  while (const dirent* entry = readdir(dir)) {
    int64_t offset = 0;
    if (ParseSegmentName(stream, entry->d_name, &offset)) offsets.push_back(offset);
  }
  closedir(dir);
  std::sort(offsets.begin(), offsets.end());
  return offsets;
}

int64_t FileSize(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 ? int64_t{status.st_size} : 0;
}

}  // namespace

int64_t LogFile::Recover() {
  int64_t length = 0;
  for (const LogRecord& record : index_.Recover()) {
    if (record.kind == LogRecordKind::kGap) {
      length = std::max(length, record.offset + record.length);
    }
    if (record.kind == LogRecordKind::kFile) placed_.push_back({record.offset, record.length});
  }
  if (has_segments()) {
    segments_ = FindSegments(options_.logs_dir, options_.stream);
    if (segments_.empty()) return length;
    const std::string name = SegmentName(options_.stream, segments_.back());
    file_.reset(openat(options_.logs_dir, name.c_str(), O_WRONLY | O_CLOEXEC));
    base_ = segments_.back();
    position_ = 0;
    return std::max(length, base_ + (file_.valid() ? FileSize(file_.get()) : 0));
  }
  if (placed_.empty()) return length;
  file_.reset(open(options_.user_path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
  base_ = placed_.back().offset;
  position_ = placed_.back().file_offset;
  return std::max({length, base_, file_.valid() ? StreamOffsetAt(FileSize(file_.get())) : 0});
}

int LogFile::Prepare(int64_t offset) {
  if (has_segments()) return NeedsSegment(offset) ? OpenSegment(offset) : 0;
  return file_.valid() ? CheckUserFile(offset) : OpenUserFile(offset);
}

bool LogFile::NeedsSegment(int64_t offset) const {
  return has_segments() && (!file_.valid() || offset - base_ >= options_.segment_size);
}

int64_t LogFile::Room(int64_t offset) const {
  return has_segments() ? options_.segment_size - (offset - base_) : kNoBound;
}

int64_t LogFile::Retained(int64_t offset) const {
  return segments_.empty() ? 0 : offset - segments_.front();
}

int LogFile::OpenSegment(int64_t offset) {
  const std::string name = SegmentName(options_.stream, offset);
  UniqueFd file(openat(options_.logs_dir, name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0640));
  if (!file.valid()) return errno;
  file_ = std::move(file);
  if (segments_.empty() || segments_.back() != offset) segments_.push_back(offset);
  base_ = offset;
  position_ = 0;
  return 0;
}

int LogFile::OpenUserFile(int64_t offset) {
  const char* path = options_.user_path.c_str();
  if (!MakeParents(options_.user_path, 0777)) return errno;
  const bool keep = options_.keep_user_content || !placed_.empty();
  // O_NONBLOCK: a FIFO by that name must not hold up every other rank's output.
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (keep ? 0 : O_TRUNC);
  UniqueFd file(open(path, flags, 0666));
  if (!file.valid()) return errno;
  struct stat status;
  if (fstat(file.get(), &status) != 0) return errno;
  if (!S_ISREG(status.st_mode)) return EINVAL;
  file_ = std::move(file);
  Place(offset, status.st_size);
  return 0;
}

int LogFile::CheckUserFile(int64_t offset) {
  struct stat status;
  if (fstat(file_.get(), &status) != 0) return errno;
  if (status.st_nlink == 0) {
    if (offset > placed_.front().offset) {
      index_.Gap(placed_.front().offset, offset - placed_.front().offset, GapReason::kCut);
    }
    placed_.erase(placed_.begin(), placed_.end() - 1);  // Non-empty: the new file is continued.
    file_.reset();
    return OpenUserFile(offset);
  }
  const int64_t size = status.st_size;
  if (size == Position(offset)) return 0;
  if (size < Position(offset)) {
    const int64_t from = StreamOffsetAt(size);
    if (from < offset) index_.Gap(from, offset - from, GapReason::kCut);
  }
  // Cut, or somebody else has appended, or a gap lies before `offset`: go on at the end.
  Place(offset, size);
  return 0;
}

void LogFile::Place(int64_t offset, int64_t file_offset) {
  base_ = offset;
  position_ = file_offset;
  placed_.push_back({offset, file_offset});
  index_.File(offset, file_offset);
}

int64_t LogFile::StreamOffsetAt(int64_t file_offset) const {
  for (size_t i = placed_.size(); i-- > 0;) {
    if (placed_[i].file_offset <= file_offset) {
      return placed_[i].offset + (file_offset - placed_[i].file_offset);
    }
  }
  return placed_.empty() ? 0 : placed_.front().offset;
}

bool LogFile::DropOldest() {
  if (segments_.size() < 2) return false;
  const int64_t first = segments_[0];
  index_.Gap(first, segments_[1] - first, GapReason::kDroppedOldest);
  unlinkat(options_.logs_dir, SegmentName(options_.stream, first).c_str(), 0);
  segments_.erase(segments_.begin());
  return true;
}

bool LogFile::ForgetRemoved() {
  bool any = false;
  while (segments_.size() >= 2) {
    const int64_t first = segments_[0];
    const std::string name = SegmentName(options_.stream, first);
    if (faccessat(options_.logs_dir, name.c_str(), F_OK, 0) == 0 || errno != ENOENT) break;
    index_.Gap(first, segments_[1] - first, GapReason::kCut);
    segments_.erase(segments_.begin());
    any = true;
  }
  return any;
}

}  // namespace muster
