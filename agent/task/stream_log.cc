#include "agent/task/stream_log.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace muster {
namespace {

constexpr int64_t kMaxPiece = 64 << 10;
// How far back OffsetOfLastLines() looks; a longer tail is cut at its front.
constexpr int64_t kMaxTail = 16 << 20;
constexpr char kCutReason[] = "the file was cut or removed";

// Up to `max` bytes of the stream from `offset` on, as far as `part` has them.
absl::StatusOr<std::string> ReadPart(const StreamFiles::Part& part, int64_t offset, int64_t max) {
  std::string data(static_cast<size_t>(std::min(max, part.end - offset)), '\0');
  for (;;) {
    const ssize_t n = pread(part.fd.get(), &data[0], data.size(), offset - part.shift);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, absl::StrCat("read of the log at byte ", offset));
    data.resize(static_cast<size_t>(n));
    return data;
  }
}

}  // namespace

// See OutputReader.
class StreamReader : public OutputReader {
 public:
  StreamReader(std::shared_ptr<StreamLog::State> state, int64_t offset,
               std::function<void()> on_data)
      : state_(std::move(state)), offset_(offset), on_data_(std::move(on_data)) {}
  ~StreamReader() override {
    if (state_->log != nullptr) state_->log->Forget(this);
  }

  absl::StatusOr<std::optional<OutputPiece>> Next() override;
  bool AtEnd() const override { return state_->ended && offset_ >= state_->length; }
  int64_t offset() const override { return offset_; }
  void OnData() {
    follows_ = true;
    on_data_();
  }

 private:
  absl::StatusOr<std::optional<OutputPiece>> Take();
  // What lies at `offset_`, at most a piece; empty: nothing.
  absl::StatusOr<std::string> ReadHere();
  // Makes `part_` the one that holds `offset_`; false when there is none yet.
  absl::StatusOr<bool> Locate();
  std::optional<OutputPiece> TakeGap(int64_t end, const char* reason);
  OutputPiece TakeData(std::string data);

  const std::shared_ptr<StreamLog::State> state_;
  int64_t offset_;
  const std::function<void()> on_data_;
  bool follows_ = false;  // Was woken at least once.
  std::optional<StreamFiles::Part> part_;
};

absl::StatusOr<std::optional<OutputPiece>> StreamReader::Next() {
  if (AtEnd()) return std::optional<OutputPiece>();
  StreamLog* const log = state_->log;
  const bool live = log != nullptr && !state_->ended;
  // A reader that lives on news need not look at the disk when there are none.
  if (live && follows_ && log->subscribed_ && offset_ >= state_->length) {
    log->Wait(this);
    return std::optional<OutputPiece>();
  }
  MUSTER_ASSIGN_OR_RETURN(std::optional<OutputPiece> piece, Take());
  if (!piece.has_value() && live) log->Wait(this);
  return piece;
}

absl::StatusOr<std::optional<OutputPiece>> StreamReader::Take() {
  StreamFiles& files = state_->files;
  for (bool sure = false;; sure = true) {
    // Data first, index second: bytes beyond a hole are seen only after the hole's record.
    MUSTER_ASSIGN_OR_RETURN(std::string data, ReadHere());
    MUSTER_RETURN_IF_ERROR(files.Refresh());
    if (const StreamFiles::Gap* gap = files.GapAt(offset_)) {
      return TakeGap(gap->end, GapReasonText(gap->reason));
    }
    int64_t limit = files.NextGap(offset_);
    if (state_->ended) limit = std::min(limit, state_->length);
    if (static_cast<int64_t>(data.size()) > limit - offset_) {
      data.resize(static_cast<size_t>(limit - offset_));
    }
    if (!data.empty()) return std::optional<OutputPiece>(TakeData(std::move(data)));

    // Nothing to read here. Where the stream goes on elsewhere, what is missing was taken away,
    // unless it came just now: seeing that it goes on, one more look settles it.
    MUSTER_ASSIGN_OR_RETURN(const std::optional<int64_t> next, files.NextPart(offset_ + 1));
    limit = std::min(limit, next.value_or(limit));
    if (limit == std::numeric_limits<int64_t>::max()) return std::optional<OutputPiece>();
    if (sure) return TakeGap(limit, kCutReason);
  }
}

absl::StatusOr<std::string> StreamReader::ReadHere() {
  for (bool again = false;; again = true) {
    MUSTER_ASSIGN_OR_RETURN(const bool located, Locate());
    if (!located) return std::string();
    MUSTER_ASSIGN_OR_RETURN(std::string data, ReadPart(*part_, offset_, kMaxPiece));
    if (!data.empty() || again) return data;
    part_.reset();  // Rotation: the next segment begins where this one ends.
  }
}

absl::StatusOr<bool> StreamReader::Locate() {
  if (part_.has_value() && offset_ >= part_->first && offset_ < part_->end) return true;
  part_.reset();
  MUSTER_RETURN_IF_ERROR(state_->files.Refresh());
  absl::StatusOr<StreamFiles::Part> part = state_->files.Open(offset_);
  if (absl::IsNotFound(part.status())) return false;
  if (!part.ok()) return part.status();
  part_ = *std::move(part);
  return true;
}

std::optional<OutputPiece> StreamReader::TakeGap(int64_t end, const char* reason) {
  OutputPiece piece;
  piece.offset = offset_;
  piece.gap_length = end - offset_;
  piece.gap_reason = reason;
  piece.time = state_->files.TimeOf(offset_);
  offset_ = end;
  return piece;
}

OutputPiece StreamReader::TakeData(std::string data) {
  // Whole lines first; a tail without an end follows as a piece of its own, so that a prompt or a
  // progress bar is seen at once.
  const size_t line_end = data.rfind('\n');
  if (line_end != std::string::npos) data.resize(line_end + 1);
  OutputPiece piece;
  piece.offset = offset_;
  piece.time = state_->files.TimeOf(offset_);
  piece.data = std::move(data);
  offset_ += static_cast<int64_t>(piece.data.size());
  return piece;
}

StreamLog::StreamLog(StreamFiles::Where where, std::function<void(bool on)> subscribe)
    : state_(std::make_shared<State>(std::move(where))), subscribe_(std::move(subscribe)) {
  state_->log = this;
}

StreamLog::~StreamLog() { state_->log = nullptr; }

int64_t StreamLog::length() const {
  if (state_->ended) return state_->length;
  const absl::StatusOr<int64_t> shown = state_->files.Length();
  return std::max(state_->length, shown.value_or(0));
}

absl::StatusOr<std::unique_ptr<OutputReader>> StreamLog::Read(int64_t offset,
                                                              std::function<void()> on_data) {
  if (offset < 0) offset = std::max<int64_t>(length() + offset, 0);
  if (ended() && offset > length()) {
    return absl::OutOfRangeError(absl::StrCat("offset ", offset,
                                              " is past the end of the stream, which has ",
                                              length(), " bytes and has ended"));
  }
  return std::unique_ptr<OutputReader>(
      std::make_unique<StreamReader>(state_, offset, std::move(on_data)));
}

absl::StatusOr<int64_t> StreamLog::OffsetOfLastLines(int lines) {
  StreamFiles& files = state_->files;
  const int64_t end = length();
  if (lines <= 0) return end;
  MUSTER_RETURN_IF_ERROR(files.Refresh());
  int64_t last = end;  // Bytes from here on have been looked at.
  int found = 0;
  while (last > 0 && end - last < kMaxTail) {
    if (files.GapAt(last - 1) != nullptr) return last;
    const absl::StatusOr<StreamFiles::Part> part = files.Open(last - 1);
    if (absl::IsNotFound(part.status())) return last;
    if (!part.ok()) return part.status();
    int64_t first = std::max({int64_t{0}, last - kMaxPiece, part->first});
    for (int64_t gap = files.NextGap(first); gap < last; gap = files.NextGap(gap)) {
      first = files.GapAt(gap)->end;
    }
    if (const StreamFiles::Gap* gap = files.GapAt(first)) first = gap->end;
    MUSTER_ASSIGN_OR_RETURN(const std::string data, ReadPart(*part, first, last - first));
    if (static_cast<int64_t>(data.size()) < last - first) return last;  // Cut under our hands.
    for (int64_t i = last - 1; i >= first; --i) {
      if (data[static_cast<size_t>(i - first)] != '\n' || i == end - 1) continue;
      if (++found == lines) return i + 1;
    }
    last = first;
  }
  return last;
}

void StreamLog::OnGrew(int64_t length) {
  if (ended()) return;
  state_->length = std::max(state_->length, length);
  if (length > 0) state_->files.ExpectBytes();
  if (waiting_.empty() && subscribed_) {
    subscribed_ = false;  // Nobody has waited since the last news.
    subscribe_(false);
    return;
  }
  Notify();
}

void StreamLog::OnEnded(int64_t length) {
  if (ended()) return;
  if (length != 0) state_->files.ExpectBytes();
  state_->length = length >= 0 ? length : this->length();
  state_->ended = true;
  subscribed_ = false;
  Notify();
}

void StreamLog::Resubscribe() {
  if (!subscribed_) return;
  subscribed_ = !waiting_.empty();
  if (subscribed_) subscribe_(true);
}

void StreamLog::Wait(StreamReader* reader) {
  waiting_.insert(reader);
  if (subscribed_) return;
  subscribed_ = true;
  subscribe_(true);
}

void StreamLog::Notify() {
  // A reader may read, wait again, or take itself or others away.
  std::vector<StreamReader*> waiting;
  for (StreamReader* reader : waiting_) {
    if (ended() || reader->offset() < state_->length) waiting.push_back(reader);
  }
  for (StreamReader* reader : waiting) {
    if (waiting_.erase(reader) > 0) reader->OnData();
  }
}

}  // namespace muster
