#include "agent/task/stream_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "common/base/status.h"

namespace muster {
namespace {

constexpr int64_t kRecordsPerRead = 128;

// A regular file, never a FIFO or device that somebody put in its place and that would hang us.
absl::StatusOr<UniqueFd> OpenRegular(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, path);
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return ErrnoStatus(errno, path);
  if (!S_ISREG(info.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": not a regular file"));
  }
  return fd;
}

int64_t SizeOf(int fd) {
  struct stat info;
  return fstat(fd, &info) == 0 ? info.st_size : 0;
}

}  // namespace

StreamFiles::StreamFiles(Where where) : where_(std::move(where)) {}

absl::StatusOr<UniqueFd> StreamFiles::OpenIndex() const {
  absl::StatusOr<UniqueFd> fd = OpenRegular(JoinPath(where_.logs_dir, IndexName(where_.stream)));
  if (absl::IsNotFound(fd.status())) return UniqueFd();  // Before the first byte.
  return fd;
}

absl::Status StreamFiles::Refresh() {
  MUSTER_ASSIGN_OR_RETURN(const UniqueFd index, OpenIndex());
  if (!index.valid()) return absl::OkStatus();
  has_index_ = true;
  int64_t next = std::max<int64_t>(records_ - 1, 0);  // The last one may have grown.
  std::string buffer(kRecordsPerRead * kLogRecordSize, '\0');
  for (;;) {
    const ssize_t n =
        pread(index.get(), &buffer[0], buffer.size(), next * static_cast<int64_t>(kLogRecordSize));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, absl::StrCat("index of ", where_.stream));
    const int64_t whole = n / static_cast<int64_t>(kLogRecordSize);
    for (int64_t i = 0; i < whole; ++i) {
      LogRecord record;
      if (DecodeLogRecord(&buffer[static_cast<size_t>(i) * kLogRecordSize], &record)) Take(record);
    }
    next += whole;
    records_ = std::max(records_, next);
    if (whole < kRecordsPerRead) return absl::OkStatus();
  }
}

void StreamFiles::Take(const LogRecord& record) {
  switch (record.kind) {
    case LogRecordKind::kMark:
      return;
    case LogRecordKind::kGap:
      if (record.length > 0)
        AddGap(record.offset, Gap{record.offset + record.length, record.reason});
      return;
    case LogRecordKind::kFile:
      // The last record comes again with each Refresh().
      if (!parts_.empty() && parts_.back().offset == record.offset) parts_.pop_back();
      parts_.push_back(FilePart{record.offset, record.length});
      return;
  }
}

void StreamFiles::AddGap(int64_t begin, Gap gap) {
  auto it = gaps_.upper_bound(begin);
  if (it != gaps_.begin() && std::prev(it)->second.end >= begin) --it;
  // Everything that it overlaps or touches becomes one hole.
  while (it != gaps_.end() && it->first <= gap.end) {
    begin = std::min(begin, it->first);
    gap.end = std::max(gap.end, it->second.end);
    it = gaps_.erase(it);
  }
  gaps_.emplace(begin, gap);
}

absl::StatusOr<int64_t> StreamFiles::Length() {
  MUSTER_RETURN_IF_ERROR(Refresh());
  int64_t length = gaps_.empty() ? 0 : gaps_.rbegin()->second.end;
  const absl::StatusOr<Part> part = Open(std::numeric_limits<int64_t>::max() - 1);
  if (part.ok()) return std::max(length, SizeOf(part->fd.get()) + part->shift);
  return length;
}

const StreamFiles::Gap* StreamFiles::GapAt(int64_t offset) const {
  auto it = gaps_.upper_bound(offset);
  if (it == gaps_.begin()) return nullptr;
  --it;
  return it->second.end > offset ? &it->second : nullptr;
}

int64_t StreamFiles::NextGap(int64_t offset) const {
  const auto it = gaps_.upper_bound(offset);
  return it == gaps_.end() ? std::numeric_limits<int64_t>::max() : it->first;
}

absl::StatusOr<StreamFiles::Part> StreamFiles::Open(int64_t offset) {
  Part part;
  std::string path = where_.user_path;
  if (path.empty()) {
    MUSTER_ASSIGN_OR_RETURN(const std::vector<int64_t> segments, Segments());
    const auto after = std::upper_bound(segments.begin(), segments.end(), offset);
    if (after == segments.begin()) {
      return absl::NotFoundError(absl::StrCat(where_.stream, ": no segment for byte ", offset));
    }
    part.first = part.shift = *std::prev(after);
    if (after != segments.end()) part.end = *after;
    path = JoinPath(where_.logs_dir, SegmentName(where_.stream, part.first));
  } else {
    auto after = std::find_if(parts_.begin(), parts_.end(),
                              [offset](const FilePart& p) { return p.offset > offset; });
    if (after == parts_.begin()) {
      return absl::NotFoundError(absl::StrCat(where_.stream, ": no file for byte ", offset));
    }
    const FilePart& found = *std::prev(after);
    part.first = found.offset;
    part.shift = found.offset - found.file_offset;
    if (after != parts_.end()) part.end = after->offset;
  }
  MUSTER_ASSIGN_OR_RETURN(part.fd, OpenRegular(path));
  return part;
}

absl::StatusOr<std::optional<int64_t>> StreamFiles::NextPart(int64_t offset) {
  if (where_.user_path.empty()) {
    MUSTER_ASSIGN_OR_RETURN(const std::vector<int64_t> segments, Segments());
    const auto it = std::lower_bound(segments.begin(), segments.end(), offset);
    return it == segments.end() ? std::nullopt : std::optional<int64_t>(*it);
  }
  for (const FilePart& part : parts_) {
    if (part.offset >= offset) return std::optional<int64_t>(part.offset);
  }
  return std::optional<int64_t>();
}

absl::Time StreamFiles::TimeOf(int64_t offset) {
  // Marks ascend; records of other kinds between them are stepped over.
  absl::Time time = absl::InfinitePast();
  const absl::StatusOr<UniqueFd> index = OpenIndex();
  if (!index.ok() || !index->valid()) return time;
  int64_t low = 0;
  int64_t high = records_;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    int64_t i = middle;
    LogRecord record;
    while (i < high &&
           !(ReadRecord(index->get(), i, &record) && record.kind == LogRecordKind::kMark))
      ++i;
    if (i == high || record.offset > offset) {
      high = middle;
      continue;
    }
    time = absl::FromUnixNanos(record.wall_ns);
    low = i + 1;
  }
  return time;
}

bool StreamFiles::ReadRecord(int index, int64_t number, LogRecord* record) {
  char bytes[kLogRecordSize];
  return pread(index, bytes, sizeof(bytes), number * static_cast<int64_t>(kLogRecordSize)) ==
             static_cast<ssize_t>(sizeof(bytes)) &&
         DecodeLogRecord(bytes, record);
}

absl::StatusOr<std::vector<int64_t>> StreamFiles::Segments() const {
  std::vector<int64_t> segments;
  // A gang has hundreds of streams without a byte, and a listing costs as much as all their files:
  // what has neither an index nor a first segment has none. Unless it is known to have bytes: there
  // may have been no room for the first ones, nor for an index.
  if (!expects_bytes_ && !has_index_ &&
      !PathExists(JoinPath(where_.logs_dir, SegmentName(where_.stream, 0)))) {
    return segments;
  }
  const absl::StatusOr<std::vector<std::string>> names = ListDir(where_.logs_dir);
  if (absl::IsNotFound(names.status())) return segments;
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    int64_t first;
    if (ParseSegmentName(where_.stream, name, &first)) segments.push_back(first);
  }
  std::sort(segments.begin(), segments.end());
  return segments;
}

}  // namespace muster
